//! Where settings are kept: a small JSON file in the user's configuration folder.

use super::settings::{Remembered, parse};
use crate::host::{RegularFileError, files};
use std::io::{ErrorKind, Read};
use std::path::Path;

/// No honest settings are larger.
const MOST_BYTES: u64 = 1 << 20;

/// Reads the settings. What cannot be read or makes no sense is left out, and the second value says so.
pub(crate) fn load(path: &Path) -> (Remembered, Option<String>) {
    let file = match files::open(path) {
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
        Ok((remembered, unread)) => (remembered, (!unread.is_empty()).then(|| complaint_about(path, &unread))),
        Err(error) => (Remembered::default(), Some(complaint(path, &error))),
    }
}

fn complaint(path: &Path, why: &dyn std::fmt::Display) -> String {
    format!(
        "The settings in {} cannot be read ({why}); the window starts as at first and writes them anew.",
        path.display()
    )
}

fn complaint_about(path: &Path, unread: &[&str]) -> String {
    format!(
        "In the settings in {}, {} cannot be read and is as at first; it is written anew.",
        path.display(),
        unread.join(", ")
    )
}

/// Writes the settings so that a crash in between leaves the old ones.
///
/// # Errors
/// What the file system says.
pub(crate) fn save(path: &Path, remembered: &Remembered) -> std::io::Result<()> {
    files::make_folder_around(path)?;
    let text = serde_json::to_string_pretty(remembered)?;
    files::write_whole(path, text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::super::arrangement::Layout;
    use super::*;
    use crate::source::SourceChoice;
    use std::fs;

    #[test]
    fn what_is_saved_is_read_back() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("deep").join("settings.json");
        let remembered = Remembered {
            theme: Some("light".into()),
            source: Some("demo:7".into()),
            threads: Some(3),
            mirror_off: true,
            zoom: Some(238),
            layout: Some(Layout::default()),
            ..Remembered::default()
        };
        save(&path, &remembered).expect("saved");
        let (read, notice) = load(&path);
        assert_eq!(notice, None);
        assert_eq!(read.source(), Some(SourceChoice::Demo { seed: 7 }));
        assert_eq!((read.theme, read.threads), (Some("light".into()), Some(3)));
        assert_eq!((read.mirror_off, read.zoom), (true, Some(238)));
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
}
