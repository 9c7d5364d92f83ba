//! With shell scripts as stages.

use super::*;
use crate::booth::counts::DayCounts;
use crate::booth::restarts::RestartMemory;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

/// A stage that lives: it paints and predicts.
const LIVE: &str = r#"n=1; while :; do echo "{\"painted\":$n,\"predicted\":$n}"; n=$((n+1)); sleep 0.05; done"#;
/// One beat.
const BEAT: &str = r#"echo '{"painted":3,"predicted":1}'; "#;

fn short_times() -> StageTimes {
    let [start, birth, silence, hang, farewell, well] = [3000, 2000, 800, 800, 300, 60_000].map(Duration::from_millis);
    StageTimes { start, birth, silence, hang, farewell, well }
}

/// A supervisor of scripts, each stage the next one, the last one again and again.
struct Fixture {
    folder: tempfile::TempDir,
    figures: BoothFigures,
    starts: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
    thread: Option<thread::JoinHandle<BoothEnd>>,
}

impl Fixture {
    fn start(scripts: &[&str], config: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("booth.toml");
        fs::write(&file, config).expect("written");
        let config = WatchedConfig::open(Some(&file)).expect("a configuration");
        let figures =
            BoothFigures::new(RestartMemory::open(Some(folder.path().join("restarts.json"))), DayCounts::default());
        let (starts, stop) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let scripts: Vec<String> = scripts.iter().map(|&script| script.to_owned()).collect();
        let (counted, place) = (starts.clone(), folder.path().to_owned());
        let make = move || {
            let number = counted.fetch_add(1, Ordering::Relaxed);
            let mut command = Command::new("/bin/sh");
            command.args(["-c", &scripts[number.min(scripts.len() - 1)]]).current_dir(&place);
            command
        };
        let log = BoothLog::new(Some(folder.path().join("log")), 1);
        let mut supervisor =
            BoothSupervisor::new(make, config, log, Some(folder.path().join("log")), figures.clone(), short_times());
        let theirs = stop.clone();
        let thread = Some(thread::spawn(move || supervisor.run(&theirs)));
        Self { folder, figures, starts, stop, thread }
    }

    /// Waits, but not for ever.
    fn wait(&self, what: &str, mut probe: impl FnMut(&Self) -> bool) -> Duration {
        let start = Instant::now();
        while !probe(self) {
            assert!(start.elapsed() < Duration::from_secs(20), "{what}: {:?}", self.figures.get());
            thread::sleep(Duration::from_millis(5));
        }
        start.elapsed()
    }

    fn starts(&self) -> usize {
        self.starts.load(Ordering::Relaxed)
    }

    fn causes(&self) -> Vec<RestartCause> {
        self.figures.get().restarts.last().iter().map(|restart| restart.cause).collect()
    }

    fn is_live(&self) -> bool {
        self.figures.get().is_live(Instant::now())
    }

    fn join(&mut self) -> BoothEnd {
        self.thread.take().expect("once").join().expect("no panic")
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[test]
fn a_crash_is_cured_and_remembered_with_its_last_words() {
    let mut fixture = Fixture::start(&[&format!("{BEAT} echo nonsense; echo why >&2; exit 7"), LIVE], "");
    let took = fixture.wait("live again", |fixture| fixture.starts() == 2 && fixture.is_live());
    assert!(took < Duration::from_secs(3), "{took:?}");
    let last = fixture.figures.get().restarts.last()[0].clone();
    assert_eq!((last.cause, last.words.as_str()), (RestartCause::Crashed, "exit status: 7, last words: why"));
    fixture.stop.store(true, Ordering::Relaxed);
    assert_eq!(fixture.join(), BoothEnd::Stopped);
    let again = RestartMemory::open(Some(fixture.folder.path().join("restarts.json")));
    assert_eq!(again.last().back(), Some(&last));
    let log = fs::read_to_string(fixture.folder.path().join("log/booth.log")).expect("a log");
    assert!(log.contains(" why\n"), "{log}");
}

#[test]
fn one_that_hangs_is_killed_with_all_that_it_started() {
    let script = format!("sleep 1000 & echo $! > child; {BEAT} kill -STOP $$");
    let fixture = Fixture::start(&[&script, LIVE], "");
    fixture.wait("live again", |fixture| fixture.starts() == 2 && fixture.is_live());
    assert_eq!(fixture.causes(), [RestartCause::Hung]);
    let child = fs::read_to_string(fixture.folder.path().join("child")).expect("a number");
    let stat = format!("/proc/{}/stat", child.trim());
    fixture.wait("its child is gone", |_| {
        fs::read_to_string(&stat).is_ok_and(|stat| stat.contains(") Z ")) || !Path::new(&stat).exists()
    });
}

#[test]
fn one_that_never_lives_is_started_anew() {
    let paints_alone = LIVE.replace("\\\"predicted\\\":$n", "\\\"predicted\\\":0");
    let fixture = Fixture::start(&[&paints_alone, "sleep 1000", LIVE], "");
    fixture.wait("live", |fixture| fixture.starts() == 3 && fixture.is_live());
    assert_eq!(fixture.causes(), [RestartCause::NeverLive, RestartCause::Hung]);
}

#[test]
fn one_that_grows_is_started_anew() {
    let grow = format!("({LIVE}) & exec dd if=/dev/zero of=/dev/null bs=250M 2>&1");
    let fixture = Fixture::start(&[&grow, LIVE], "[supervision]\nmost_memory_mb = 200");
    fixture.wait("grown", |fixture| fixture.starts() == 2 && fixture.is_live());
    assert_eq!(fixture.causes(), [RestartCause::Grew]);
}

#[test]
fn one_without_a_display_is_tried_again_and_again_but_not_at_once() {
    let fixture = Fixture::start(&["exit 3"], "");
    let third = fixture.wait("three starts", |fixture| fixture.starts() == 3);
    let fourth = fixture.wait("four starts", |fixture| fixture.starts() == 4);
    assert!(third >= Duration::from_millis(480) && fourth >= Duration::from_millis(480), "{third:?} {fourth:?}");
    assert!(fixture.causes().iter().all(|cause| *cause == RestartCause::NoDisplay));
    let longest = |cause, was_live| {
        let death = StageDeath { cause, words: String::new(), was_live };
        (0..20).map(|deaths| pause(&death, deaths).as_millis()).max()
    };
    assert_eq!(longest(RestartCause::NoDisplay, false), Some(500));
    assert_eq!(
        (longest(RestartCause::Crashed, true), longest(RestartCause::Crashed, false)),
        (Some(500), Some(10_000))
    );
}

#[test]
fn who_leaves_the_stage_ends_the_booth() {
    let mut fixture = Fixture::start(&[&format!("{BEAT} exit 0")], "");
    assert_eq!(fixture.join(), BoothEnd::Left);
    assert!(fixture.causes().is_empty() && fixture.starts() == 1);
}

#[test]
fn the_stage_is_told_what_is_in_force_and_ends_with_its_pipe() {
    let listen = format!("({LIVE}) & while read line; do echo \"$line\" >> told; done; kill $!; echo bye > farewell");
    let mut fixture = Fixture::start(&[&listen], "title = \"one\"");
    let told = fixture.folder.path().join("told");
    let says = |text: &str| fs::read_to_string(&told).is_ok_and(|told| told.contains(text));
    fixture.wait("the first", |_| says("one"));
    fs::write(fixture.folder.path().join("booth.toml"), "titel = \"two\"").expect("written");
    fixture.wait("a fault", |fixture| fixture.figures.get().config_fault.is_some());
    fs::write(fixture.folder.path().join("booth.toml"), "title = \"three\"").expect("written");
    fixture.wait("the third", |_| says("three"));
    assert!(!says("two") && fixture.figures.get().config_fault.is_none());
    fixture.stop.store(true, Ordering::Relaxed);
    assert_eq!(fixture.join(), BoothEnd::Stopped);
    assert!(fixture.folder.path().join("farewell").exists() && fixture.causes().is_empty());
}

#[test]
fn a_flood_on_its_pipes_does_not_hold_anybody_up() {
    // Ends of lines alone: a beat between them is whole.
    let flood = format!(
        "({LIVE}) & (while :; do head -c 100000 /dev/zero | tr '\\0' '\\n'; done) & head -c 3000000 /dev/zero | tr '\\0' x >&2; \
         wait"
    );
    let fixture = Fixture::start(&[&flood], "");
    fixture.wait("live", Fixture::is_live);
    assert_eq!(fixture.starts(), 1);
}

#[test]
fn there_is_one_booth() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = BoothLock::take(folder.path()).expect("free");
    let refused = BoothLock::take(folder.path()).expect_err("taken").to_string();
    assert!(refused.contains(&format!("(process {})", std::process::id())), "{refused}");
    drop(first);
    drop(BoothLock::take(folder.path()).expect("free again"));
    fs::write(folder.path().join("file"), "").expect("written");
    assert!(BoothLock::take(&folder.path().join("file")).is_ok(), "nothing can be locked there");
}
