// What was reached of a design that was built with --coverage: kept on disk while it runs, as tests kill it when they are through.
#pragma once

#include "verilated.h"

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

// Writes $COVERAGE_FOLDER/PID.dat, at most twice a second; where the design counts nothing, does nothing.
inline void keepCoverage() {
#if VM_COVERAGE
    using Clock = std::chrono::steady_clock;
    static Clock::time_point next{};
    const char* folder = std::getenv("COVERAGE_FOLDER");
    if (folder == nullptr || Clock::now() < next) return;
    next = Clock::now() + std::chrono::milliseconds(500);
    const std::string path = std::string(folder) + "/" + std::to_string(getpid());
    Verilated::threadContextp()->coveragep()->write((path + ".part").c_str());
    std::rename((path + ".part").c_str(), (path + ".dat").c_str());
#endif
}
