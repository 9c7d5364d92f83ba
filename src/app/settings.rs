//! What is remembered between runs: a small JSON file in the user's configuration folder.

use super::arrangement::Layout;
use crate::network::ModelChoice;
use crate::regular::{self, RegularFileError};
use crate::source::SourceChoice;
use directories::ProjectDirs;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

/// No honest settings are larger.
const MOST_BYTES: u64 = 1 << 20;

/// What is remembered. Names are spelled as on the command line.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
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
    /// Width and height of the window in points.
    pub size: Option<[f32; 2]>,
    /// Where the panels stand.
    pub layout: Option<Layout>,
}

/// Where settings lie; `None` where the user has no home.
pub(crate) fn path() -> Option<PathBuf> {
    Some(ProjectDirs::from("", "", "ernscope")?.config_dir().join("settings.json"))
}

/// Reads the settings. What cannot be read or makes no sense is left out, and the second value says so.
pub(crate) fn load(path: &Path) -> (Remembered, Option<String>) {
    let file = match regular::open(path) {
        Ok(file) => file,
        Err(RegularFileError::Io(error)) if error.kind() == ErrorKind::NotFound => {
            return (Remembered::default(), None);
        }
        Err(error) => return (Remembered::default(), Some(complaint(path, &error))),
    };
    let mut text = String::new();
    if let Err(error) = file.take(MOST_BYTES).read_to_string(&mut text) {
        return (Remembered::default(), Some(complaint(path, &error)));
    }
    match parse(&text) {
        Ok(remembered) => (remembered, None),
        Err(error) => (Remembered::default(), Some(complaint(path, &error))),
    }
}

/// The settings in a file's text, without what makes no sense.
///
/// # Errors
/// Where it is no JSON, or of other settings.
pub(crate) fn parse(text: &str) -> serde_json::Result<Remembered> {
    Ok(serde_json::from_str::<Remembered>(text)?.sensible())
}

fn complaint(path: &Path, why: &dyn std::fmt::Display) -> String {
    format!(
        "The settings in {} cannot be read ({why}); the window starts as at first and writes them anew.",
        path.display()
    )
}

/// Writes the settings so that a crash in between leaves the old ones.
///
/// # Errors
/// What the file system says.
pub(crate) fn save(path: &Path, remembered: &Remembered) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let text = serde_json::to_string_pretty(remembered)?;
    let beside = path.with_extension("json.new");
    fs::write(&beside, text)?;
    fs::rename(&beside, path)
}

impl Remembered {
    /// Without what no window can be made of.
    fn sensible(mut self) -> Self {
        self.layout = self.layout.filter(Layout::is_sound);
        self.size = self.size.filter(|size| size.iter().all(|side| (400.0..=16_000.0).contains(side)));
        self.threads = self.threads.filter(|threads| (1..=1024).contains(threads));
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

    #[test]
    fn what_is_saved_is_read_back() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("deep").join("settings.json");
        let remembered = Remembered {
            theme: Some("light".into()),
            source: Some("demo:7".into()),
            threads: Some(3),
            layout: Some(Layout::default()),
            ..Remembered::default()
        };
        save(&path, &remembered).expect("saved");
        let (read, notice) = load(&path);
        assert_eq!(notice, None);
        assert_eq!(read.source(), Some(SourceChoice::Demo { seed: 7 }));
        assert_eq!((read.theme, read.threads), (Some("light".into()), Some(3)));
        assert!(read.layout.is_some());
    }

    #[test]
    fn no_pipe_is_waited_for() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("settings.json");
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).expect("made");
        let (tell, told) = std::sync::mpsc::channel();
        std::thread::spawn(move || tell.send(load(&path).1));
        let notice = told.recv_timeout(std::time::Duration::from_secs(20)).expect("it is not waited for");
        assert!(notice.is_some_and(|notice| notice.contains("a device or a pipe")));
    }

    #[test]
    fn damaged_settings_are_left_out_and_said() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("settings.json");
        for text in ["", "{", "[1,2]", "\u{0}\u{1}", "{\"threads\": \"many\"}"] {
            fs::write(&path, text).expect("written");
            let (read, notice) = load(&path);
            assert!(notice.is_some_and(|notice| notice.contains("settings.json")), "{text:?}");
            assert_eq!(read.threads, None);
        }
        fs::write(&path, "{\"threads\": 0, \"size\": [1, 1e9], \"source\": \"camera:x\"}").expect("written");
        let (read, notice) = load(&path);
        assert_eq!((notice, read.threads, read.size, read.source()), (None, None, None, None));
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
