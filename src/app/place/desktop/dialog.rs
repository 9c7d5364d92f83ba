//! The system's own dialog for choosing a file or a folder, on a thread of its own.
//!
//! On Linux it is the desktop's portal that shows it, asked over D-Bus. Where there is none, the person is told so at once and
//! types the path.

use crate::app::state::{DialogAnswer, DialogKind};
use crossbeam_channel::{Receiver, TryRecvError, bounded};
use rfd::FileDialog;
use std::path::{Path, PathBuf};
use web_time::{Duration, Instant};

/// How long the portal has to say that it is there: it may have to be started first.
const PATIENCE: Duration = Duration::from_secs(3);
/// Nobody closes a dialog sooner than this: it never opened.
const SOONEST: Duration = Duration::from_millis(150);
const PORTAL: &str = "org.freedesktop.portal.Desktop";

/// Asks the system; at most one dialog is open at a time.
#[derive(Default)]
pub(crate) struct Dialogs {
    answer: Option<Receiver<DialogAnswer>>,
}

impl Dialogs {
    /// Opens the system's dialog before the window `parent`, in `folder` where that is known. False where one is open already.
    /// `wake` is called when it has an answer.
    pub(crate) fn open(
        &mut self,
        wanted: DialogKind,
        folder: Option<&Path>,
        parent: &eframe::Frame,
        wake: impl FnOnce() + Send + 'static,
    ) -> bool {
        let title = match wanted {
            DialogKind::File => "Open a picture, a video or a network's file",
            DialogKind::Folder => "Open a folder of pictures",
        };
        let mut dialog = FileDialog::new().set_title(title).set_parent(parent);
        if let Some(folder) = folder {
            dialog = dialog.set_directory(folder);
        }
        let pick = move || match wanted {
            DialogKind::File => dialog.pick_file(),
            DialogKind::Folder => dialog.pick_folder(),
        };
        self.ask(|| look_for_portal(None), PATIENCE, pick, wake)
    }

    /// The same with any dialog: `look` says within `patience` whether there is one, `pick` shows it.
    pub(crate) fn ask(
        &mut self,
        look: impl FnOnce() -> Result<(), String> + Send + 'static,
        patience: Duration,
        pick: impl FnOnce() -> Option<PathBuf> + Send + 'static,
        wake: impl FnOnce() + Send + 'static,
    ) -> bool {
        if self.answer.is_some() {
            return false;
        }
        let (sender, answer) = bounded(1);
        self.answer = Some(answer);
        let work = move || {
            let answer = within(patience, look).map_or_else(DialogAnswer::Failed, |()| show(pick));
            // The window may be gone by now.
            let _ = sender.send(answer);
            wake();
        };
        // Where there is no thread, the sender is dropped, which is an answer too.
        let _ = std::thread::Builder::new().name("dialog".into()).spawn(work);
        true
    }

    /// The answer, once.
    pub(crate) fn answer(&mut self) -> Option<DialogAnswer> {
        let answer = match self.answer.as_ref()?.try_recv() {
            Err(TryRecvError::Empty) => return None,
            Err(TryRecvError::Disconnected) => DialogAnswer::Failed("the system's dialog cannot be asked for".into()),
            Ok(answer) => answer,
        };
        self.answer = None;
        Some(answer)
    }
}

fn show(pick: impl FnOnce() -> Option<PathBuf>) -> DialogAnswer {
    let start = Instant::now();
    match pick() {
        Some(path) => DialogAnswer::Chosen(path),
        None if start.elapsed() < SOONEST => DialogAnswer::Failed("the system's dialog did not open".into()),
        None => DialogAnswer::Dismissed,
    }
}

/// What `look` says, unless it takes too long: a bus or a portal may hang.
fn within(patience: Duration, look: impl FnOnce() -> Result<(), String> + Send + 'static) -> Result<(), String> {
    let (sender, said) = bounded(1);
    let work = move || {
        // Nobody waits any longer, perhaps.
        let _ = sender.send(look());
    };
    let _ = std::thread::Builder::new().name("portal".into()).spawn(work);
    let late = |_| format!("the desktop's portal for files does not answer within {} s", patience.as_secs_f32());
    said.recv_timeout(patience).map_err(late)?
}

/// Whether a desktop portal shows dialogs for files on the bus at `address`, or else on the session's.
fn look_for_portal(address: Option<&str>) -> Result<(), String> {
    let bus = match address {
        Some(address) => zbus::connection::Builder::address(address),
        None => zbus::connection::Builder::session(),
    };
    pollster::block_on(async {
        let bus = bus?.build().await?;
        let question = ("org.freedesktop.portal.FileChooser", "version");
        let properties = Some("org.freedesktop.DBus.Properties");
        bus.call_method(Some(PORTAL), "/org/freedesktop/portal/desktop", properties, "Get", &question).await
    })
    .map(|_| ())
    .map_err(|error: zbus::Error| match error {
        zbus::Error::MethodError(..) => "this desktop has no portal that shows dialogs for files".into(),
        _ => "no D-Bus session runs here, through which a desktop shows its dialogs".into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Longer than any thread takes to answer that does.
    const LONG: Duration = Duration::from_secs(20);

    /// What comes of a dialog with these two parts.
    fn outcome(
        look: impl FnOnce() -> Result<(), String> + Send + 'static,
        patience: Duration,
        pick: impl FnOnce() -> Option<PathBuf> + Send + 'static,
    ) -> DialogAnswer {
        let (sender, woken) = bounded(1);
        let mut dialogs = Dialogs::default();
        assert!(dialogs.ask(look, patience, pick, move || sender.send(()).expect("waits")));
        woken.recv_timeout(2 * LONG).expect("an answer comes");
        let answer = dialogs.answer().expect("it is there");
        assert_eq!(dialogs.answer(), None, "once");
        answer
    }

    fn slowly(path: Option<&str>) -> impl FnOnce() -> Option<PathBuf> + Send + 'static {
        let path = path.map(PathBuf::from);
        move || {
            std::thread::sleep(2 * SOONEST);
            path
        }
    }

    #[test]
    fn a_choice_a_dismissal_and_a_failure_are_told_apart() {
        assert_eq!(outcome(|| Ok(()), LONG, slowly(Some("/tmp/a b.png"))), DialogAnswer::Chosen("/tmp/a b.png".into()));
        assert_eq!(outcome(|| Ok(()), LONG, slowly(None)), DialogAnswer::Dismissed);
        assert!(matches!(outcome(|| Ok(()), LONG, || None), DialogAnswer::Failed(why) if why.contains("did not open")));
        let asked = || panic!("no dialog is shown where there is none");
        assert_eq!(outcome(|| Err("there is none".into()), LONG, asked), DialogAnswer::Failed("there is none".into()));
    }

    #[test]
    fn a_portal_that_hangs_is_not_waited_for() {
        let hang = || {
            std::thread::sleep(3 * LONG);
            Ok(())
        };
        let start = Instant::now();
        assert!(
            matches!(outcome(hang, Duration::from_millis(300), || None), DialogAnswer::Failed(why) if why.contains("does not answer"))
        );
        assert!(start.elapsed() < LONG);
    }

    #[test]
    fn a_second_dialog_waits_for_the_first_to_close() {
        let mut dialogs = Dialogs::default();
        let (sender, go_on) = bounded::<()>(1);
        let (woken, wait) = bounded(1);
        let pick = move || go_on.recv().ok().map(|()| "first".into());
        assert!(dialogs.ask(|| Ok(()), PATIENCE, pick, move || woken.send(()).expect("waits")));
        assert!(!dialogs.ask(|| Ok(()), PATIENCE, || None, || ()));
        assert_eq!(dialogs.answer(), None);
        sender.send(()).expect("the dialog waits");
        wait.recv_timeout(LONG).expect("an answer comes");
        assert_eq!(dialogs.answer(), Some(DialogAnswer::Chosen("first".into())));
    }

    #[test]
    fn a_bus_that_is_not_there_is_said_at_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let address = format!("unix:path={}", folder.path().join("no-bus").display());
        let start = Instant::now();
        let said = look_for_portal(Some(&address));
        assert!(said.is_err_and(|why| why.contains("D-Bus")), "names what is missing");
        assert!(start.elapsed() < LONG);
    }
}
