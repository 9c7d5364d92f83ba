//! Random recipes of networks: every kind of layer, odd shapes.

mod recipe;

use proptest::prelude::*;
pub(crate) use recipe::{Block, First, Recipe, picture};

fn channels() -> impl Strategy<Value = usize> {
    prop_oneof![Just(32), Just(64), Just(128), 1_usize..150]
}

fn conv() -> impl Strategy<Value = (usize, usize, usize)> {
    (channels(), prop_oneof![Just(1), Just(3)], 1_usize..3)
}

/// Random recipes, small enough for the reference engine.
pub(crate) fn recipes() -> impl Strategy<Value = Recipe> {
    let first = prop_oneof![
        (1_usize..13).prop_map(First::Embedding),
        conv().prop_map(|(channels, kernel, stride)| First::Float(channels, kernel, stride)),
    ];
    let block = (any::<bool>(), channels(), 1_usize..3).prop_map(|(bottleneck, channels, stride)| Block {
        bottleneck,
        channels,
        stride,
    });
    let convs = prop::collection::vec(conv(), 0..3);
    let blocks = prop::collection::vec(block, 0..3);
    (any::<u64>(), 1_usize..6, first, convs, blocks, 1_usize..40).prop_map(
        |(seed, smallest, first, convs, blocks, classes)| Recipe { seed, smallest, first, convs, blocks, classes },
    )
}
