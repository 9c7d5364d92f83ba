//! What is remembered between runs.

use super::arrangement::Layout;
use crate::network::ModelChoice;
use crate::pipeline::MOST_THREADS;
use crate::preprocess::{MOST_ZOOM, WHOLE_SQUARE};
use crate::source::SourceChoice;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::path::Path;

/// What is remembered. Names are spelled as on the command line.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Remembered {
    /// `dark`, `light`; else as the system has it.
    pub theme: Option<String>,
    /// The source.
    pub source: Option<String>,
    /// The network.
    pub model: Option<String>,
    /// The engine.
    pub engine: Option<String>,
    /// Threads that compute.
    pub threads: Option<usize>,
    /// Whether the twins are not compared.
    pub compare_off: bool,
    /// Whether cameras are shown as they are, not mirrored.
    pub mirror_off: bool,
    /// How much larger than the whole square is, in percent, the network sees what it sees.
    pub zoom: Option<u16>,
    /// Width and height of the window in points.
    pub size: Option<[f32; 2]>,
    /// Where the panels stand.
    pub layout: Option<Layout>,
}

/// The settings in a file's text, without what makes no sense, and the names of those that another version may read: this one
/// cannot.
///
/// # Errors
/// Where it is no JSON object.
pub(crate) fn parse(text: &str) -> serde_json::Result<(Remembered, Vec<&'static str>)> {
    let mut fields = Fields { of: serde_json::from_str(text)?, unread: Vec::new() };
    let remembered = Remembered {
        theme: fields.take("theme"),
        source: fields.take("source"),
        model: fields.take("model"),
        engine: fields.take("engine"),
        threads: fields.take("threads"),
        compare_off: fields.take("compare_off").unwrap_or_default(),
        mirror_off: fields.take("mirror_off").unwrap_or_default(),
        zoom: fields.take("zoom"),
        size: fields.take("size"),
        layout: fields.take("layout"),
    };
    Ok((remembered.sensible(), fields.unread))
}

/// The settings of a file, each to be taken once.
struct Fields {
    of: Map<String, Value>,
    unread: Vec<&'static str>,
}

impl Fields {
    fn take<T: DeserializeOwned>(&mut self, name: &'static str) -> Option<T> {
        let value = self.of.remove(name).filter(|value| !value.is_null())?;
        let read = serde_json::from_value(value).ok();
        if read.is_none() {
            self.unread.push(name);
        }
        read
    }
}

impl Remembered {
    /// Without what no window can be made of.
    fn sensible(mut self) -> Self {
        self.layout = self.layout.filter(Layout::is_sound);
        self.size = self.size.filter(|size| size.iter().all(|side| (400.0..=16_000.0).contains(side)));
        self.zoom = self.zoom.filter(|zoom| (WHOLE_SQUARE..=MOST_ZOOM).contains(zoom));
        self.threads = self.threads.filter(|threads| (1..=MOST_THREADS).contains(threads));
        self
    }

    /// The source.
    pub(crate) fn source(&self) -> Option<SourceChoice> {
        self.source.as_ref()?.parse().ok()
    }
}

/// How a source is remembered: a file with its whole path, which leads to it from any folder. `None` where no text can say it.
pub(crate) fn spell_source(choice: &SourceChoice) -> Option<String> {
    match choice {
        SourceChoice::File(path) => whole(path),
        _ => Some(choice.to_string()),
    }
}

/// The same of a network.
pub(crate) fn spell_model(choice: &ModelChoice) -> Option<String> {
    match choice {
        ModelChoice::File(path) => whole(path),
        _ => Some(choice.to_string()),
    }
}

/// Links stay links: a twin lies beside the name that was given, and a link may lead to something newer next time.
fn whole(path: &Path) -> Option<String> {
    std::path::absolute(path).ok()?.to_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As version 0.1 wrote them, with one of a version to come and one that changes its form.
    #[test]
    fn settings_of_other_versions_are_read_but_for_what_they_say_otherwise() {
        let text = r#"{
            "theme": "light", "source": "camera:2", "model": "objects", "engine": "cpu:scalar", "threads": 3,
            "compare_off": true, "size": [1280.0, 800.0], "layout": {"panes": []}, "booth": {"after": 90}
        }"#;
        let (read, unread) = parse(text).expect("an object");
        assert_eq!(unread, ["layout"]);
        assert_eq!(read.source(), Some(SourceChoice::Camera { index: Some(2) }));
        assert_eq!((read.theme.as_deref(), read.model.as_deref()), (Some("light"), Some("objects")));
        assert_eq!((read.engine.as_deref(), read.threads), (Some("cpu:scalar"), Some(3)));
        assert!(read.compare_off && read.size == Some([1280.0, 800.0]) && read.layout.is_none());
        assert!(!read.mirror_off && read.zoom.is_none(), "that version knew neither");
    }

    #[test]
    fn zooms_that_cannot_be_and_mirrors_of_another_form_are_left_out_alone() {
        for (zoom, read) in [("99", None), ("100", Some(100)), ("283", Some(283)), ("401", None), ("65536", None)] {
            let text = format!(r#"{{"zoom": {zoom}, "mirror_off": true, "threads": 3}}"#);
            let (remembered, _) = parse(&text).expect("an object");
            assert_eq!((remembered.zoom, remembered.mirror_off, remembered.threads), (read, true, Some(3)));
        }
        let (read, unread) = parse(r#"{"zoom": 200, "mirror_off": "left"}"#).expect("an object");
        assert_eq!((read.zoom, read.mirror_off, unread), (Some(200), false, vec!["mirror_off"]));
    }

    #[test]
    fn files_are_remembered_so_that_they_are_found_from_any_folder() {
        let here = std::env::current_dir().expect("a folder");
        for name in ["nets/mine.safetensors", "demo", "cards", "random:erns18"] {
            let whole = here.join(name);
            let model = spell_model(&ModelChoice::File(name.into())).expect("text");
            assert_eq!(model.parse(), Ok(ModelChoice::File(whole.clone())));
            let source = spell_source(&SourceChoice::File(name.into())).expect("text");
            assert_eq!(source.parse(), Ok(SourceChoice::File(whole)));
        }
        assert_eq!(spell_model(&ModelChoice::Shipped("cards")).as_deref(), Some("cards"));
        assert_eq!(spell_source(&SourceChoice::Demo { seed: 7 }).as_deref(), Some("demo:7"));
    }
}
