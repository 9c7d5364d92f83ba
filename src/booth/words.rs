//! What the stage says, in the languages that it speaks: `assets/booth/words.toml`.

use super::config::BoothLanguage;
use serde::Deserialize;
use std::collections::HashMap;
use std::sync::LazyLock;

/// One language's words; `{}` is where a number stands.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Words {
    /// What stands before a number's tenths.
    decimal: String,
    pub live: String,
    pub demo: String,
    /// What one sees, in the order in which the demo says it.
    pub explain: [String; 7],
    pub show_a_card: String,
    pub unknown: String,
    pub with_embedding: String,
    pub without_embedding: String,
    pub frames_per_s: String,
    pub faster: String,
    pub alike: String,
    pub measuring: String,
    pub one_network: String,
    pub runs_on: String,
    pub a_frame: String,
    pub cycles: String,
    pub simulated: String,
    pub still_there: String,
    #[serde(rename = "move")]
    pub keep_moving: String,
    pub leaving: String,
    pub checking: String,
    pub private: String,
    pub picture_shown: String,
    pub no_camera: String,
    pub no_board: String,
    #[serde(default)]
    labels: HashMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct All {
    en: Words,
    de: Words,
    ja: Words,
}

static ALL: LazyLock<All> = LazyLock::new(|| {
    // A test reads it.
    toml::from_str(include_str!("../../assets/booth/words.toml")).expect("well formed")
});

impl BoothLanguage {
    /// Its words.
    pub(crate) fn words(self) -> &'static Words {
        match self {
            Self::English => &ALL.en,
            Self::German => &ALL.de,
            Self::Japanese => &ALL.ja,
        }
    }
}

impl Words {
    /// A label in this language, or as the network has it.
    pub(crate) fn label<'a>(&'a self, label: &'a str) -> &'a str {
        self.labels.get(label).map_or(label, String::as_str)
    }

    /// A number that is written with a point, as this language writes it.
    pub(crate) fn number(&self, figure: &str) -> String {
        figure.replace('.', &self.decimal)
    }

    /// Every letter that a font must have for this language.
    pub(crate) fn letters(&self) -> impl Iterator<Item = char> {
        let some =
            [&self.still_there, &self.private, &self.picture_shown, &self.no_camera, &self.unknown, &self.checking];
        some.into_iter().chain(&self.explain).chain(self.labels.values()).flat_map(|text| text.chars())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::shipped::SHIPPED;

    #[test]
    fn every_card_has_a_name_in_every_language() {
        let network = SHIPPED[0].load().expect("the cards");
        let cards = || network.labels().iter().filter(|label| *label != "nothing");
        assert_eq!(cards().count(), 32);
        for language in [BoothLanguage::Japanese, BoothLanguage::German] {
            let missing: Vec<_> = cards().filter(|label| !language.words().labels.contains_key(*label)).collect();
            assert!(missing.is_empty(), "{language:?}: {missing:?}");
        }
        assert_eq!(BoothLanguage::English.words().label("ice cream"), "ice cream");
    }
}
