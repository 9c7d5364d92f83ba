//! Features as text in a model file, from which a lesson can go on: a letter a feature.

use super::eyes::{Features, STEPS};
use crate::network::Network;
use serde_json::Value;

/// Where the description of how a network was trained tells of a lesson.
pub(crate) const TAUGHT: &str = "taught";
/// As base64 has them.
const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
/// The largest feature.
const LARGEST: usize = 3 * STEPS;
/// The last letter stands for it.
const LAST: usize = LETTERS.len() - 1;

/// The letters of features. Of 4×4 positions, which have 49 different means, nothing is lost.
pub(super) fn spell(features: &[u8]) -> String {
    let letter = |&feature: &u8| char::from(LETTERS[((usize::from(feature) * LAST + LARGEST / 2) / LARGEST).min(LAST)]);
    features.iter().map(letter).collect()
}

/// The features of letters, of a layer with so many `positions`; `None` where one is no letter of ours.
pub(super) fn read(letters: &str, positions: usize) -> Option<Features> {
    let feature = |letter: u8| {
        let place = LETTERS.iter().position(|&own| own == letter)?;
        let sum = (place * 3 * positions + LAST / 2) / LAST;
        Some(((sum * STEPS + positions / 2) / positions) as u8)
    };
    letters.bytes().map(feature).collect()
}

/// The classes of a taught network with what its classifier's layer saw in their frames; `None` of a network that was not taught, or
/// whose file tells otherwise of it.
pub(super) fn of_taught(network: &Network) -> Option<Vec<(String, Vec<Features>)>> {
    let told = network.training().get(TAUGHT)?.get("vectors")?.as_object()?;
    let (layer, classifier) = network.classifier();
    let shape = network.shapes(network.edge())[layer];
    let width = classifier.conv().geometry().in_channels;
    let frame =
        |letters: &Value| read(letters.as_str()?, shape.edge * shape.edge).filter(|features| features.len() == width);
    let class = |label: &String| {
        let frames: Option<Vec<Features>> = told.get(label)?.as_array()?.iter().map(frame).collect();
        Some((label.clone(), frames?))
    };
    // Of a network that kept its base's classes only the taught ones have frames.
    network.labels().iter().map(class).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_sixteen_positions_say_is_read_back_as_it_was() {
        let features: Features = (0..=48).map(|sum| (sum * STEPS / 16) as u8).collect();
        assert_eq!(read(&spell(&features), 16), Some(features));
        assert_eq!(read("AB-", 16), None);
    }
}
