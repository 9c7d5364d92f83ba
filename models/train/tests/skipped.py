"""Tests that are left out are told to who runs all tests."""

import functools
import os


def unless(condition, why):
    """As unittest.skipUnless; the file that ERNSCOPE_SKIPPED names gets a line, TEST<TAB>WHY."""

    def decorate(test):
        @functools.wraps(test)
        def skipped(self):
            path = os.environ.get("ERNSCOPE_SKIPPED")
            if path:
                with open(path, "a", encoding="utf-8") as file:
                    file.write(f"{self.id()}\t{why}\n")
            self.skipTest(why)

        return test if condition else skipped

    return decorate
