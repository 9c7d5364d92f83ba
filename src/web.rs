//! The module of the page in a browser: it begins as soon as it is loaded.

fn main() {
    ernscope::app::start_page();
}
