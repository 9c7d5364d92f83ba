//! The thread that teaches: takes frames and commands, keeps what was shown safe, learns after every frame, and tells how it stands.

use super::draft::{self, Draft, DraftEntry};
use super::eyes::TeachError;
use super::lesson::{Lesson, TaughtClass};
use super::validate::{TaughtConfusion, Validation};
use crate::frame::{Crop, Frame, InputImage};
use crate::host::threads::{self, Task};
use crate::host::{Steps, files};
use crate::network::{ModelChoice, NOTHING, Network, file};
use crate::preprocess::Preprocessor;
use crossbeam_channel::{Receiver, Sender, TryRecvError, unbounded};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use web_time::{Duration, Instant};

/// The newest frames of a class that are shown small.
const SHOWN: usize = 24;
/// Held-out frames are asked about at most so often.
const VALIDATE_EVERY: Duration = Duration::from_millis(700);
/// A class with so many times fewer frames than the largest is pointed out, from so many frames of that on.
const FEWER: usize = 4;
const FROM: usize = 12;
/// One class taken for another so often, of a hundred frames of it, is pointed out.
const OFTEN: usize = 10;

/// What a person asks for.
#[derive(Clone, Debug)]
pub(crate) enum TeachCommand {
    /// Begin a lesson for this network. What was kept of an unfinished one is gone on with instead, where there is any.
    Begin {
        /// Which network.
        base: ModelChoice,
        /// Whether its classes stay.
        keeps: bool,
    },
    /// Another class.
    AddClass(String),
    /// Another name.
    Rename(usize, String),
    /// A class and its frames go.
    RemoveClass(usize),
    /// A frame of a class, and the square of it that is taught.
    Show(usize, Frame, Crop),
    /// A frame goes.
    RemoveFrame(u64),
    /// The last so many frames go, whatever their class.
    Undo(usize),
    /// Write the network into this file.
    Save(PathBuf),
    /// All of it goes.
    Discard,
}

/// A class, as far as it is taught.
#[derive(Clone, Debug, Default)]
pub(crate) struct ClassProgress {
    /// Its name.
    pub(crate) name: String,
    /// How many frames it has.
    pub(crate) frames: usize,
    /// The newest ones, the newest last: numbers and squares.
    pub(crate) newest: Vec<(u64, Arc<InputImage>)>,
}

/// How the lesson stands.
#[derive(Clone, Debug, Default)]
pub(crate) struct Progress {
    /// Counts changes.
    pub(crate) revision: u64,
    /// The network whose eyes see; `None` before a lesson begins.
    pub(crate) base: Option<String>,
    /// Whether its classes stay.
    pub(crate) keeps: bool,
    /// The classes.
    pub(crate) classes: Vec<ClassProgress>,
    /// What was learned; `None` before two classes were shown.
    pub(crate) network: Option<Arc<Network>>,
    /// Frames that were taken and not yet looked at.
    pub(crate) waiting: usize,
    /// The part of held-out frames that was recognised.
    pub(crate) recognised: Option<f32>,
    /// What would help.
    pub(crate) advice: Vec<String>,
    /// What was refused last, or failed.
    pub(crate) problem: Option<String>,
    /// Where the network was saved.
    pub(crate) saved: Option<PathBuf>,
    /// Whether all that was shown is in a saved file.
    pub(crate) is_saved: bool,
    /// Where what is not saved is kept meanwhile.
    pub(crate) kept_in: Option<PathBuf>,
}

impl Progress {
    /// Frames of all classes.
    pub(crate) fn frames(&self) -> usize {
        self.classes.iter().map(|class| class.frames).sum()
    }
}

enum TeacherMessage {
    Asked(TeachCommand),
    /// What was found about the lesson as it was at this change.
    Validated(u64, Result<Validation, TeachError>),
    End,
}

/// A running teacher. Dropping it ends the thread; what is not saved stays in the draft.
pub(crate) struct Teacher {
    sender: Sender<TeacherMessage>,
    progress: Arc<Mutex<Arc<Progress>>>,
    task: Option<Task>,
}

impl Teacher {
    /// Starts the thread. What is not saved is kept in the file `draft`, if one is given; `wake` is called, from another thread, when
    /// there is news.
    ///
    /// # Errors
    /// What the system says where it gives no thread.
    pub(crate) fn start(draft: Option<PathBuf>, wake: impl Fn() + Send + Sync + 'static) -> std::io::Result<Self> {
        let (sender, received) = unbounded();
        let progress = Arc::new(Mutex::new(Arc::new(Progress::default())));
        let school = School {
            back: sender.clone(),
            received,
            wake: Box::new(wake),
            progress: progress.clone(),
            now: Progress::default(),
            draft_path: draft,
            draft: None,
            lesson: None,
            preprocessor: Preprocessor::new(1),
            changes: 0,
            learned: 0,
            asked: 0,
            asking: false,
            asked_at: None,
            is_resumed: false,
            next: None,
        };
        let task = threads::drive("teacher", school)?;
        Ok(Self { sender, progress, task: Some(task) })
    }

    /// Asks for something; never waits.
    pub(crate) fn send(&self, command: TeachCommand) {
        // A thread that is gone has told why.
        let _ = self.sender.send(TeacherMessage::Asked(command));
    }

    /// How it stands.
    pub(crate) fn progress(&self) -> Arc<Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Teacher {
    fn drop(&mut self) {
        let _ = self.sender.send(TeacherMessage::End);
        if let Some(task) = self.task.take() {
            task.join();
        }
    }
}

/// A lesson, and what it began with.
struct RunningLesson {
    lesson: Lesson,
    begin: DraftEntry,
}

/// What the thread owns.
struct School {
    back: Sender<TeacherMessage>,
    received: Receiver<TeacherMessage>,
    wake: Box<dyn Fn() + Send + Sync>,
    progress: Arc<Mutex<Arc<Progress>>>,
    now: Progress,
    draft_path: Option<PathBuf>,
    draft: Option<Draft>,
    lesson: Option<RunningLesson>,
    preprocessor: Preprocessor,
    /// Counts what changed of the lesson; up to which change it was learned, and asked about.
    changes: u64,
    learned: u64,
    asked: u64,
    asking: bool,
    asked_at: Option<Instant>,
    /// Whether what a former run left was looked at.
    is_resumed: bool,
    /// A message that was waited for.
    next: Option<TeacherMessage>,
}

impl Steps for School {
    /// One message a step: what has been looked at is learned before the next frame.
    fn step(&mut self) -> bool {
        if !std::mem::replace(&mut self.is_resumed, true) {
            self.resume();
            self.tell();
        }
        match self.next.take().map_or_else(|| self.received.try_recv(), Ok) {
            Ok(message) => {
                let goes_on = self.take(message);
                if goes_on {
                    self.follow();
                }
                goes_on
            }
            Err(nothing) => nothing == TryRecvError::Empty,
        }
    }

    fn wait(&mut self) {
        self.next = self.received.recv().ok();
    }
}

impl School {
    /// Goes on with what a former run of the program left.
    fn resume(&mut self) {
        let Some(path) = self.draft_path.clone() else { return };
        let entries = draft::read(&path);
        let Some((DraftEntry::Begin { base, keeps }, _)) = entries.first().cloned() else { return };
        let Ok(choice) = base.parse::<ModelChoice>();
        self.begin(&choice, keeps);
        if self.lesson.is_none() {
            return self.put_aside(&path);
        }
        // What is read is written anew when all of it is there again.
        self.draft_path = None;
        let mut numbers = HashMap::new();
        for (entry, body) in entries.into_iter().skip(1) {
            if let Err(error) = self.replay(entry, body, &mut numbers) {
                self.now.problem = Some(error.to_string());
            }
        }
        self.draft_path = Some(path);
        self.write_or_tell(Self::write_draft);
        self.follow();
    }

    /// A lesson that cannot be gone on with, since its network is gone, is not written over by the next one.
    fn put_aside(&mut self, path: &Path) {
        let aside = path.with_extension("aside");
        let why = self.now.problem.take().unwrap_or_default();
        self.now.problem = Some(match std::fs::rename(path, &aside) {
            Ok(()) => format!("{why}; what was taught for it last time is kept in {}", aside.display()),
            Err(error) => format!("{why}; what was taught for it last time cannot be put aside ({error})"),
        });
    }

    /// `numbers` has the frames' numbers of now by those that they had.
    fn replay(&mut self, entry: DraftEntry, body: Vec<u8>, numbers: &mut HashMap<u64, u64>) -> Result<(), TeachError> {
        match entry {
            DraftEntry::Begin { .. } => Ok(()),
            DraftEntry::Class(name) => self.add_class(&name),
            DraftEntry::Rename(class, name) => self.rename(class, &name),
            DraftEntry::RemoveClass(class) => {
                self.remove_class(class);
                Ok(())
            }
            DraftEntry::RemoveFrame(id) => {
                self.remove_frame(numbers.get(&id).copied().unwrap_or(id));
                Ok(())
            }
            DraftEntry::Frame { class, id } => {
                let edge = self.lesson()?.base().edge();
                if let Some(square) = InputImage::from_rgb(edge, body)
                    && let Some(now) = self.keep(class, square)?
                {
                    numbers.insert(id, now);
                }
                Ok(())
            }
        }
    }

    /// Does what a message asks for; whether to go on.
    fn take(&mut self, message: TeacherMessage) -> bool {
        match message {
            TeacherMessage::End => return false,
            TeacherMessage::Validated(at, found) => self.validated(at, found),
            TeacherMessage::Asked(command) => {
                self.now.problem = None;
                if let Err(error) = self.obey(command) {
                    self.now.problem = Some(error.to_string());
                }
            }
        }
        true
    }

    fn obey(&mut self, command: TeachCommand) -> Result<(), TeachError> {
        match command {
            TeachCommand::Begin { base, keeps } => self.begin(&base, keeps),
            TeachCommand::AddClass(name) => self.add_class(&name)?,
            TeachCommand::Rename(class, name) => self.rename(class, &name)?,
            TeachCommand::RemoveClass(class) => self.remove_class(class),
            TeachCommand::Show(class, frame, crop) => self.show(class, &frame, crop)?,
            TeachCommand::RemoveFrame(id) => self.remove_frame(id),
            TeachCommand::Undo(count) => self.undo(count),
            TeachCommand::Save(path) => self.save(&path),
            TeachCommand::Discard => self.discard(),
        }
        Ok(())
    }

    /// Begins a lesson, unless there is one with frames.
    fn begin(&mut self, base: &ModelChoice, keeps: bool) {
        if self.lesson.as_ref().is_some_and(|running| running.lesson.shown().next().is_some()) {
            return;
        }
        let begun = base
            .load()
            .map_err(|error| error.to_string())
            .and_then(|network| Lesson::new(Arc::new(network), keeps, 0).map_err(|error| error.to_string()));
        match begun {
            Err(problem) => self.now.problem = Some(problem),
            Ok(lesson) => {
                self.lesson =
                    Some(RunningLesson { lesson, begin: DraftEntry::Begin { base: base.to_string(), keeps } });
                self.changes += 1;
                // Of the lesson before, which had no frames.
                self.draft = None;
                (self.now.base, self.now.keeps, self.now.saved) = (Some(base.to_string()), keeps, None);
            }
        }
    }

    fn lesson(&mut self) -> Result<&mut Lesson, TeachError> {
        let none = || TeachError::Name("there is no lesson yet: begin one".into());
        self.lesson.as_mut().map(|running| &mut running.lesson).ok_or_else(none)
    }

    fn add_class(&mut self, name: &str) -> Result<(), TeachError> {
        self.lesson()?.add_class(name)?;
        self.changed(&DraftEntry::Class(name.into()), &[]);
        Ok(())
    }

    fn rename(&mut self, class: usize, name: &str) -> Result<(), TeachError> {
        self.lesson()?.rename(class, name)?;
        self.changed(&DraftEntry::Rename(class, name.into()), &[]);
        Ok(())
    }

    fn remove_class(&mut self, class: usize) {
        if let Ok(lesson) = self.lesson() {
            lesson.remove_class(class);
            self.changed(&DraftEntry::RemoveClass(class), &[]);
        }
    }

    /// Cuts the square out of a frame and keeps it.
    fn show(&mut self, class: usize, frame: &Frame, crop: Crop) -> Result<(), TeachError> {
        let mut square = InputImage::black(self.lesson()?.base().edge());
        self.preprocessor.run_crop(&frame.rgb, [frame.width, frame.height], crop, &mut square)?;
        self.keep(class, square)?;
        Ok(())
    }

    /// The square is in the draft before it counts as taken. The frame's number; `None` where there is no such class.
    fn keep(&mut self, class: usize, square: InputImage) -> Result<Option<u64>, TeachError> {
        let square = Arc::new(square);
        if class >= self.lesson()?.classes().len() {
            return Ok(None);
        }
        let id = self.lesson()?.add_frame(class, square.clone())?;
        self.changed(&DraftEntry::Frame { class, id }, square.rgb());
        Ok(Some(id))
    }

    fn remove_frame(&mut self, id: u64) {
        if let Ok(lesson) = self.lesson() {
            lesson.remove_frame(id);
            self.changed(&DraftEntry::RemoveFrame(id), &[]);
        }
    }

    fn undo(&mut self, count: usize) {
        let Ok(lesson) = self.lesson() else { return };
        let mut ids: Vec<u64> =
            lesson.classes().iter().flat_map(|class| class.frames.iter().map(|frame| frame.id)).collect();
        ids.sort_unstable();
        ids.iter().rev().take(count).for_each(|&id| self.remove_frame(id));
    }

    /// Something of the lesson is another: that is kept in the draft, which is made where there is none yet.
    fn changed(&mut self, entry: &DraftEntry, body: &[u8]) {
        self.changes += 1;
        self.now.is_saved = false;
        self.write_or_tell(|school| match &mut school.draft {
            Some(draft) => draft.add(entry, body),
            None => school.write_draft(),
        });
    }

    fn write_or_tell(&mut self, write: impl FnOnce(&mut Self) -> std::io::Result<()>) {
        if let Err(error) = write(self) {
            self.now.kept_in = None;
            self.now.problem = Some(format!(
                "what is taught cannot be kept ({error}): save it before you leave, or make room on the disk"
            ));
        }
    }

    /// A draft of all that the lesson is.
    fn write_draft(&mut self) -> std::io::Result<()> {
        let (Some(path), Some(RunningLesson { lesson, begin })) = (&self.draft_path, &self.lesson) else {
            return Ok(());
        };
        let mut draft = Draft::create(path)?;
        draft.add(begin, &[])?;
        for class in lesson.classes() {
            draft.add(&DraftEntry::Class(class.name.clone()), &[])?;
        }
        let frames = lesson
            .classes()
            .iter()
            .enumerate()
            .flat_map(|(at, class)| class.frames.iter().map(move |frame| (frame, at)));
        let mut frames: Vec<_> = frames.collect();
        frames.sort_by_key(|(frame, _)| frame.id);
        for (frame, class) in frames {
            if let Some(square) = &frame.square {
                draft.add(&DraftEntry::Frame { class, id: frame.id }, square.rgb())?;
            }
        }
        draft.settle(path)?;
        self.now.kept_in = Some(path.clone());
        self.draft = Some(draft);
        Ok(())
    }

    fn save(&mut self, path: &Path) {
        let Some(RunningLesson { lesson, .. }) = &self.lesson else { return };
        let saved =
            lesson.learn().and_then(|network| lesson.described(network)).map_err(|error| error.to_string()).and_then(
                |network| {
                    let bytes = file::serialize(&network).map_err(|error| error.to_string())?;
                    files::make_folder_around(path).and_then(|()| files::write_whole(path, &bytes)).map_err(|error| {
                        format!(
                            "{} cannot be written ({error}): make room, or save it elsewhere; nothing is lost",
                            path.display()
                        )
                    })
                },
            );
        match saved {
            Err(problem) => self.now.problem = Some(problem),
            Ok(()) => {
                (self.now.saved, self.now.is_saved) = (Some(path.to_owned()), true);
                self.forget_draft();
            }
        }
    }

    fn discard(&mut self) {
        self.lesson = None;
        self.changes += 1;
        self.forget_draft();
        let revision = self.now.revision;
        self.now = Progress { revision, ..Progress::default() };
    }

    fn forget_draft(&mut self) {
        let removed = match (self.draft.take(), &self.draft_path) {
            (Some(draft), _) => draft.remove(),
            // One that a former run left.
            (None, Some(path)) if path.exists() => std::fs::remove_file(path),
            _ => Ok(()),
        };
        self.now.kept_in = None;
        if let Err(error) = removed {
            self.now.problem = Some(format!("the file of what was taught cannot be taken away: {error}"));
        }
    }

    /// Learns what is new, has held-out frames asked about, and tells how it stands.
    fn follow(&mut self) {
        self.learn();
        self.ask();
        self.tell();
    }

    fn learn(&mut self) {
        if self.learned == self.changes {
            return;
        }
        self.learned = self.changes;
        let Some(RunningLesson { lesson, .. }) = &self.lesson else { return };
        match lesson.learn() {
            Ok(network) => self.now.network = Some(Arc::new(network)),
            Err(TeachError::TooFewClasses(_)) => self.now.network = None,
            Err(error) => {
                self.now.network = None;
                self.now.problem = Some(error.to_string());
            }
        }
    }

    /// Has another thread ask about held-out frames, now and then.
    fn ask(&mut self) {
        let is_soon = self.asked_at.is_some_and(|at| at.elapsed() < VALIDATE_EVERY);
        if self.asking || self.asked == self.changes || is_soon || self.now.network.is_none() {
            return;
        }
        let Some(RunningLesson { lesson, .. }) = &self.lesson else { return };
        let (held, back, changes) = (lesson.held(), self.back.clone(), self.changes);
        let asked = threads::spawn("validation", move || {
            // The teacher may be gone by now.
            let _ = back.send(TeacherMessage::Validated(changes, held.validate()));
        });
        if asked.is_ok() {
            (self.asking, self.asked, self.asked_at) = (true, self.changes, Some(Instant::now()));
        }
    }

    fn validated(&mut self, at: u64, found: Result<Validation, TeachError>) {
        self.asking = false;
        let Some(RunningLesson { lesson, .. }) = &mut self.lesson else { return };
        let Ok(validation) = found else { return };
        if !lesson.set_validation(validation) {
            return;
        }
        if let Some(validation) = lesson.validation() {
            self.now.recognised = (validation.frames > 0).then(|| validation.accuracy());
            self.now.advice = advice(validation, &lesson.shown().collect::<Vec<_>>());
        }
        // The layer or the scales may be others now.
        self.learned = self.learned.min(at.saturating_sub(1));
    }

    fn tell(&mut self) {
        self.now.revision += 1;
        self.now.waiting = self.received.len();
        if let Some(RunningLesson { lesson, .. }) = &self.lesson {
            self.now.classes = lesson.classes().iter().map(class_progress).collect();
        }
        *self.progress.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(self.now.clone());
        (self.wake)();
    }
}

fn class_progress(class: &TaughtClass) -> ClassProgress {
    let newest = class.frames.iter().rev().take(SHOWN).rev();
    let newest = newest.filter_map(|frame| Some((frame.id, frame.square.clone()?))).collect();
    ClassProgress { name: class.name.clone(), frames: class.frames.len(), newest }
}

/// What would help: classes that are taken for each other, classes with few frames.
fn advice(validation: &Validation, shown: &[&TaughtClass]) -> Vec<String> {
    let frames = |class: &TaughtClass| class.frames.len();
    let often = |found: &&TaughtConfusion| found.count * OFTEN >= frames(shown[found.truth]) && found.count > 1;
    let alike = validation.confusions.iter().filter(often).take(2).map(|found| {
        let [truth, answer] = [found.truth, found.answer].map(|class| shown[class]);
        let help = if answer.name == NOTHING { "hold it nearer" } else { "show more sides of both" };
        let (count, of) = (found.count, frames(truth));
        format!("{} is taken for {} in {count} of {of} frames: {help}", truth.name, answer.name)
    });
    let most = shown.iter().map(|class| frames(class)).max().unwrap_or(0);
    let few = shown.iter().filter(|class| most >= FROM && frames(class) * FEWER <= most);
    let few = few
        .map(|class| format!("{} has only {} frames, others up to {most}: show more of it", class.name, frames(class)));
    alike.chain(few).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Crop;

    /// A frame of one colour with some pattern, 64 × 64.
    fn frame(index: u64, colour: [u8; 3]) -> (Frame, Crop) {
        let byte = |at: usize| colour[at % 3].wrapping_add(((at * 13 + index as usize * 7) % 30) as u8);
        let frame = Frame {
            source: 1,
            index,
            dropped: 0,
            width: 64,
            height: 64,
            rgb: (0..64 * 64 * 3).map(byte).collect(),
            captured: Instant::now(),
            took: Duration::ZERO,
            truth: None,
        };
        (frame, Crop { x: 0, y: 0, edge: 64 })
    }

    fn wait(teacher: &Teacher, what: &str, is_there: impl Fn(&Progress) -> bool) {
        let start = Instant::now();
        while !is_there(&teacher.progress()) {
            assert!(start.elapsed() < Duration::from_secs(60), "{what}: {:?}", teacher.progress());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn shown(teacher: &Teacher) -> Vec<usize> {
        teacher.progress().classes.iter().map(|class| class.frames).collect()
    }

    /// Three classes, six frames of each, in a draft at `path`.
    fn taught(path: &Path) -> Teacher {
        let teacher = Teacher::start(Some(path.to_owned()), || ()).expect("a thread");
        teacher.send(TeachCommand::Begin { base: ModelChoice::Shipped("cards"), keeps: false });
        for (class, (name, colour)) in
            [("red", [190, 20, 20]), ("green", [20, 190, 20]), ("blue", [20, 20, 190])].into_iter().enumerate()
        {
            teacher.send(TeachCommand::AddClass(name.into()));
            for index in 0..6 {
                let (frame, crop) = frame(index, colour);
                teacher.send(TeachCommand::Show(class, frame, crop));
            }
        }
        wait(&teacher, "taught", |progress| progress.frames() == 18 && progress.waiting == 0);
        teacher
    }

    /// What is taken out after a draft was written anew is out after the next crash as well, and nothing else is.
    #[test]
    fn frames_keep_their_numbers_through_saving_and_crashes() {
        let folder = tempfile::tempdir().expect("a folder");
        let draft = folder.path().join("lesson");
        let teacher = taught(&draft);
        let first = teacher.progress().classes[0].newest[0].0;
        teacher.send(TeachCommand::RemoveFrame(first));
        teacher.send(TeachCommand::Save(folder.path().join("saved.safetensors")));
        wait(&teacher, "saved", |progress| progress.is_saved);
        assert!(!draft.exists());
        let progress = teacher.progress();
        let [second, last] = [progress.classes[1].newest[0].0, progress.classes[2].newest[5].0];
        teacher.send(TeachCommand::RemoveFrame(second));
        teacher.send(TeachCommand::RemoveFrame(last));
        wait(&teacher, "taken out", |progress| progress.frames() == 15);
        let again = Teacher::start(Some(draft.clone()), || ()).expect("a thread");
        wait(&again, "there again", |progress| progress.frames() == 15);
        assert_eq!(shown(&again), [5, 5, 5]);
        let newest = again.progress().classes[2].newest.last().expect("one").0;
        again.send(TeachCommand::RemoveFrame(newest));
        wait(&again, "taken out", |progress| progress.frames() == 14);
        let third = Teacher::start(Some(draft), || ()).expect("a thread");
        wait(&third, "there again", |progress| progress.frames() == 14);
        assert_eq!(shown(&third), [5, 5, 4]);
    }

    #[test]
    fn a_lesson_whose_network_is_gone_is_put_aside_and_another_base_is_remembered() {
        let folder = tempfile::tempdir().expect("a folder");
        let draft = folder.path().join("lesson");
        let gone = folder.path().join("gone.safetensors");
        let mut file = Draft::create(&draft).expect("made");
        file.add(&DraftEntry::Begin { base: gone.display().to_string(), keeps: false }, &[]).expect("written");
        file.settle(&draft).expect("in its place");
        let teacher = Teacher::start(Some(draft.clone()), || ()).expect("a thread");
        wait(&teacher, "put aside", |progress| progress.problem.as_ref().is_some_and(|told| told.contains("aside")));
        assert!(folder.path().join("lesson.aside").exists() && !draft.exists());
        teacher.send(TeachCommand::Begin { base: ModelChoice::Shipped("objects"), keeps: false });
        teacher.send(TeachCommand::AddClass("pear".into()));
        teacher.send(TeachCommand::Begin { base: ModelChoice::Shipped("cards"), keeps: true });
        teacher.send(TeachCommand::AddClass("lime".into()));
        wait(&teacher, "begun anew", |progress| progress.classes.iter().any(|class| class.name == "lime"));
        let again = Teacher::start(Some(draft), || ()).expect("a thread");
        wait(&again, "there again", |progress| progress.classes.len() == 1);
        let progress = again.progress();
        assert_eq!(
            (progress.base.as_deref(), progress.keeps, progress.classes[0].name.as_str()),
            (Some("cards"), true, "lime")
        );
    }
}
