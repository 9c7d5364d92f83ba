//! The accelerator's comparisons that take minutes: packaging/test-board-long runs them. Needs verilator.

#[path = "common/board.rs"]
mod board;
#[path = "common/cycles.rs"]
mod cycles;
#[path = "common/kv260.rs"]
mod kv260;
#[path = "common/networks.rs"]
mod networks;
#[path = "common/random_networks.rs"]
mod random_networks;
#[path = "common/shipped.rs"]
mod shipped;
#[path = "common/simulated_core.rs"]
mod simulated_core;
#[path = "common/skipped.rs"]
mod skipped;

#[test]
fn shipped_networks_are_identical_on_twenty_pictures() {
    shipped::networks_are_identical(20);
}

#[test]
fn the_papers_networks_are_identical_at_every_layer() {
    ["erns18-0.75x", "erns18", "erns34", "erns50", "erns101"].into_iter().for_each(kv260::check_every_layer);
}

#[test]
fn the_papers_networks_are_identical_at_their_size() {
    let most_ms = [("erns18-0.75x", 2.2), ("erns18", 2.4), ("erns34", 4.0), ("erns50", 4.6), ("erns101", 7.6)];
    most_ms.into_iter().for_each(|(name, most_ms)| kv260::check_whole(name, most_ms));
}

/// Weights arrive when they like, through a window that holds little more than a tile's; ten million cycles with every assertion on.
#[test]
fn random_networks_are_identical_however_weights_arrive() {
    let Some(program) = random_networks::with_weights_from_outside() else { return };
    random_networks::random_networks(&program, 2000, 300);
}
