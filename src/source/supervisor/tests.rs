//! The supervisor against sources that behave and cameras that do not: scripts in the place of capture processes.

use super::*;
use crate::source::jpeg::made;
use crate::source::reader::capture::process::CapturedCamera;
use crate::source::reader::capture::{CapturedFrame, HEADER, write_fault, write_frame, write_undecodable};
use crate::source::{CameraFault, CameraInfo, LeftOut, SourceState};
use std::path::Path;
use std::process::Command as Process;
use std::sync::Arc;
use tempfile::TempDir;
use web_time::{Duration, Instant};

/// Cameras made of shell scripts. Cloning shares them.
#[derive(Clone)]
struct Fakes {
    folder: Arc<TempDir>,
    plugged: Arc<Mutex<Vec<CameraInfo>>>,
    /// A script a camera number; `$F` is a file with one frame, `$ALL` one with many, `$BAD` with some that cannot be decoded
    /// before them, `$BUSY` one with a fault.
    scripts: Arc<Mutex<Vec<String>>>,
    /// When each capture process was started.
    starts: Arc<Mutex<Vec<Instant>>>,
}

/// The bytes of a frame.
const FRAME: usize = HEADER + 4 * 3 * 3;

/// How many frames `$ALL` holds.
const FRAMES: u64 = 5000;

/// Delivers for a very long time. Its children live for a moment only, so that killing the shell closes the pipe.
const STEADY: &str = "i=0; while :; do dd if=$ALL bs=$SIZE skip=$i count=1 2>/dev/null; i=$((i+1)); sleep 0.02; done";

impl Fakes {
    fn new(scripts: &[&str]) -> Self {
        let folder = TempDir::new().unwrap();
        let (mut all, mut bad, mut fault) = (Vec::new(), Vec::new(), Vec::new());
        for sequence in 0..FRAMES {
            write_frame(&mut all, &captured(sequence)).unwrap();
        }
        for sequence in 0..3 {
            write_undecodable(&mut bad, sequence, "it is cut short").unwrap();
        }
        write_frame(&mut bad, &captured(3)).unwrap();
        write_undecodable(&mut bad, 4, "it is cut short").unwrap();
        write_frame(&mut bad, &captured(5)).unwrap();
        write_fault(&mut fault, CameraFault::Busy, "Device or resource busy").unwrap();
        for (name, bytes) in [("frame", &all[..FRAME]), ("all", &all), ("bad", &bad), ("busy", &fault)] {
            std::fs::write(folder.path().join(name), bytes).unwrap();
        }
        let fakes = Self {
            folder: Arc::new(folder),
            plugged: Arc::default(),
            scripts: Arc::new(Mutex::new(scripts.iter().map(|&script| script.to_owned()).collect())),
            starts: Arc::default(),
        };
        for index in 0..scripts.len() as u32 {
            fakes.plug(index, &format!("fake {index}"));
        }
        fakes
    }

    fn plug(&self, index: u32, name: &str) {
        self.plugged.lock().unwrap().push(CameraInfo { index, name: name.to_owned() });
    }

    fn unplug_all(&self) {
        self.plugged.lock().unwrap().clear();
    }

    fn behave(&self, index: usize, script: &str) {
        let mut scripts = self.scripts.lock().unwrap();
        let length = scripts.len().max(index + 1);
        scripts.resize(length, String::new());
        scripts[index] = script.to_owned();
    }

    fn starts(&self) -> usize {
        self.starts.lock().unwrap().len()
    }

    fn supervisor(&self, choice: Option<&str>, delivery: Delivery) -> Result<Supervisor, SourceError> {
        let choice = choice.map(|text| text.parse().unwrap());
        Supervisor::start_with(Beginning::Chosen(choice), delivery, Box::new(self.clone()), || ())
    }
}

impl Cameras for Fakes {
    fn list(&self) -> Vec<CameraInfo> {
        self.plugged.lock().unwrap().clone()
    }

    fn open(&self, camera: CameraInfo) -> Result<Box<dyn Source>, SourceError> {
        self.starts.lock().unwrap().push(Instant::now());
        let mut command = Process::new("sh");
        command.arg("-c").arg(&self.scripts.lock().unwrap()[camera.index as usize]);
        for (variable, name) in [("F", "frame"), ("ALL", "all"), ("BAD", "bad"), ("BUSY", "busy")] {
            command.env(variable, self.folder.path().join(name));
        }
        command.env("SIZE", FRAME.to_string());
        Ok(Box::new(CapturedCamera::start(camera, command)?))
    }
}

fn captured(sequence: u64) -> CapturedFrame {
    CapturedFrame { width: 4, height: 3, sequence, age: Duration::ZERO, rgb: vec![7; 4 * 3 * 3].into() }
}

/// Waits for a state and gives the time that it took.
#[track_caller]
fn wait_for(supervisor: &Supervisor, what: &str, is_it: impl Fn(&SourceState) -> bool) -> Duration {
    let start = Instant::now();
    while !is_it(&supervisor.status().state) {
        assert!(start.elapsed() < Duration::from_secs(20), "never {what}, but: {:?}", supervisor.status().state);
        std::thread::sleep(Duration::from_millis(5));
    }
    start.elapsed()
}

fn is_live(state: &SourceState) -> bool {
    matches!(state, SourceState::Live { .. })
}

fn is_lost(state: &SourceState, expected: CameraFault) -> bool {
    matches!(state, SourceState::Lost { error: SourceError::Camera { fault, .. }, .. } if *fault == expected)
}

fn write_png(path: &Path, shade: u8) {
    image::RgbImage::from_pixel(3, 2, image::Rgb([shade; 3])).save(path).unwrap();
}

#[test]
fn lossless_means_every_frame_in_order_and_the_same_again() {
    let frames = || {
        let supervisor = Fakes::new(&[]).supervisor(Some("demo:11"), Delivery::Lossless).unwrap();
        let frames: Vec<Frame> = supervisor.frames().iter().take(4).collect();
        assert_eq!(supervisor.status().dropped, 0);
        frames
    };
    let (first, second) = (frames(), frames());
    assert_eq!(first.iter().map(|f| f.index).collect::<Vec<_>>(), [0, 1, 2, 3]);
    assert!(first.iter().zip(&second).all(|(a, b)| a.rgb == b.rgb && a.truth.is_some()));
}

#[test]
fn the_newest_frame_wins_and_the_others_are_counted() {
    let supervisor = Fakes::new(&[]).supervisor(Some("demo"), Delivery::Window).unwrap();
    let start = Instant::now();
    // Between the two changes of a status a frame is counted and none dropped yet.
    let before = loop {
        let status = supervisor.status();
        if status.produced >= 3 && status.dropped == status.produced - 1 {
            break status;
        }
        assert!(start.elapsed() < Duration::from_secs(20), "{status:?}");
        std::thread::sleep(Duration::from_millis(5));
    };
    let most = 2.0 + 30.0 * start.elapsed().as_secs_f64();
    let frame = supervisor.frames().recv().unwrap();
    assert!(frame.index + 1 >= before.produced);
    assert!(before.produced as f64 <= most, "30 frames a second at most: {before:?}");
}

// Only the window steps.
#[cfg(feature = "app")]
#[test]
fn a_pause_holds_and_a_step_lets_one_frame_through() {
    let supervisor = Fakes::new(&[]).supervisor(Some("demo"), Delivery::Window).unwrap();
    supervisor.set_paused(true);
    while !supervisor.status().paused {
        std::thread::sleep(Duration::from_millis(5));
    }
    let _ = supervisor.frames().try_recv();
    let held = supervisor.status().produced;
    assert!(supervisor.frames().recv_timeout(Duration::from_millis(200)).is_err());
    supervisor.step();
    assert_eq!(supervisor.frames().recv().unwrap().index, held);
    assert!(supervisor.frames().recv_timeout(Duration::from_millis(200)).is_err());
    supervisor.set_paused(false);
    assert!(supervisor.frames().recv_timeout(Duration::from_secs(5)).is_ok());
}

#[test]
fn without_a_camera_the_demo_stands_in_until_one_is_plugged_in() {
    let fakes = Fakes::new(&[]);
    let supervisor = fakes.supervisor(None, Delivery::Window).unwrap();
    wait_for(&supervisor, "fallback", |state| matches!(state, SourceState::Fallback { .. }));
    assert!(supervisor.frames().recv().unwrap().truth.is_some());
    fakes.behave(0, STEADY);
    fakes.plug(0, "new");
    assert!(wait_for(&supervisor, "live", is_live) < Duration::from_secs(6));
    let frame = supervisor.frames().recv().unwrap();
    assert_eq!((frame.width, frame.height, frame.truth), (4, 3, None));
}

#[test]
fn where_the_first_camera_is_busy_the_second_is_taken() {
    let supervisor = Fakes::new(&["cat $BUSY", STEADY]).supervisor(None, Delivery::Terminal).unwrap();
    wait_for(&supervisor, "live", is_live);
    assert!(supervisor.status().state.to_string().contains("fake 1"));
}

#[test]
fn where_no_camera_works_the_demo_says_why() {
    let supervisor = Fakes::new(&["cat $BUSY"]).supervisor(None, Delivery::Terminal).unwrap();
    wait_for(&supervisor, "fallback", |state| matches!(state, SourceState::Fallback { .. }));
    assert!(supervisor.status().state.to_string().contains("in use by another program"));
}

#[test]
fn a_camera_that_is_not_there_is_an_error_where_it_was_named() {
    let missing = Fakes::new(&[]).supervisor(Some("camera"), Delivery::Window).err();
    assert!(matches!(missing, Some(SourceError::NoCamera | SourceError::NoCameraSupport)), "{missing:?}");
    let missing = Fakes::new(&[STEADY]).supervisor(Some("camera:3"), Delivery::Window).err();
    assert!(missing.unwrap().to_string().contains("camera 3 is not connected"));
}

#[test]
fn a_camera_that_stops_delivering_is_killed_and_opened_again() {
    let fakes = Fakes::new(&["cat $F; exec sleep 60"]);
    let supervisor = fakes.supervisor(Some("camera:0"), Delivery::Terminal).unwrap();
    wait_for(&supervisor, "live", is_live);
    let silence = wait_for(&supervisor, "lost", |state| is_lost(state, CameraFault::Stalled));
    assert!(silence > Duration::from_millis(1500) && silence < Duration::from_secs(4), "{silence:?}");
    fakes.behave(0, STEADY);
    let back = wait_for(&supervisor, "live again", is_live);
    assert!(back < Duration::from_secs(3), "{back:?}");
}

#[test]
fn a_camera_that_says_nothing_at_all_is_given_up() {
    let supervisor = Fakes::new(&["exec sleep 60"]).supervisor(Some("camera"), Delivery::Terminal).unwrap();
    assert!(supervisor.frames().recv().is_err());
    let state = supervisor.status().state;
    assert!(
        matches!(&state, SourceState::Failed { .. }) && state.to_string().contains("stopped delivering"),
        "{state}"
    );
}

#[test]
fn a_camera_that_dies_again_and_again_is_not_opened_in_a_hurry() {
    let fakes = Fakes::new(&["cat $F; exit 1"]);
    let supervisor = fakes.supervisor(Some("camera:0"), Delivery::Window).unwrap();
    wait_for(&supervisor, "lost", |state| is_lost(state, CameraFault::Crashed));
    std::thread::sleep(Duration::from_secs(3));
    let starts = fakes.starts();
    assert!((3..=8).contains(&starts), "{starts} starts in 3 s");
    fakes.behave(0, STEADY);
    wait_for(&supervisor, "live again", is_live);
}

#[test]
fn a_busy_camera_is_waited_for_in_a_window_and_an_error_in_a_terminal() {
    let fakes = Fakes::new(&["cat $BUSY"]);
    let supervisor = fakes.supervisor(Some("camera:0"), Delivery::Window).unwrap();
    wait_for(&supervisor, "waiting", |state| matches!(state, SourceState::Waiting { .. }));
    assert!(supervisor.status().state.to_string().contains("in use by another program"));
    fakes.behave(0, STEADY);
    wait_for(&supervisor, "live", is_live);
    fakes.behave(0, "cat $BUSY");
    let supervisor = fakes.supervisor(Some("camera:0"), Delivery::Terminal).unwrap();
    assert!(supervisor.frames().recv().is_err());
    assert!(matches!(supervisor.status().state, SourceState::Failed { .. }));
}

#[test]
fn what_is_no_message_is_not_believed() {
    let oversized = "printf 'ERNCAP1\\n\\001\\000\\000\\000\\377\\377\\377\\377\\377\\377\\377\\377'; cat /dev/zero";
    for script in ["exec cat /dev/zero", "exec cat /dev/urandom", "head -c 50 $F", "exit 0", oversized] {
        let supervisor = Fakes::new(&[script]).supervisor(Some("camera"), Delivery::Terminal).unwrap();
        assert!(supervisor.frames().recv().is_err(), "{script}");
        let state = supervisor.status().state.to_string();
        assert!(state.contains("made the capture process fail"), "{script}: {state}");
    }
}

#[test]
fn a_camera_that_returns_under_another_number_is_found() {
    let fakes = Fakes::new(&["cat $F; sleep 0.3; exit 1"]);
    let supervisor = fakes.supervisor(Some("camera:0"), Delivery::Window).unwrap();
    wait_for(&supervisor, "live", is_live);
    fakes.unplug_all();
    wait_for(&supervisor, "missing", |state| is_lost(state, CameraFault::Missing));
    let before = fakes.starts();
    std::thread::sleep(Duration::from_millis(700));
    assert_eq!(fakes.starts(), before, "nothing is started while the camera is away");
    fakes.behave(2, STEADY);
    fakes.plug(2, "fake 0");
    assert!(wait_for(&supervisor, "live again", is_live) < Duration::from_secs(3));
}

#[test]
fn another_source_ends_the_capture_process_and_so_does_the_end() {
    let fakes = Fakes::new(&[&format!("echo $$ >> $F.pids; {STEADY}")]);
    let supervisor = fakes.supervisor(Some("camera"), Delivery::Window).unwrap();
    wait_for(&supervisor, "live", is_live);
    supervisor.switch_to(Some("demo:3".parse().unwrap()));
    wait_for(&supervisor, "demo", |state| matches!(state, SourceState::Live { width: 640, .. }));
    supervisor.switch_to(Some("camera".parse().unwrap()));
    wait_for(&supervisor, "camera again", |state| matches!(state, SourceState::Live { width: 4, .. }));
    drop(supervisor);
    let pids = std::fs::read_to_string(fakes.folder.path().join("frame.pids")).unwrap();
    assert_eq!(pids.lines().count(), 2);
    for pid in pids.lines() {
        assert!(!Path::new("/proc").join(pid).exists(), "process {pid} is still there");
    }
}

#[test]
fn a_source_that_cannot_be_opened_is_refused_and_the_old_one_goes_on() {
    let supervisor = Fakes::new(&[]).supervisor(Some("demo"), Delivery::Window).unwrap();
    supervisor.switch_to(Some("/no/such/picture.png".parse().unwrap()));
    let start = Instant::now();
    while supervisor.status().refusal.is_none() {
        assert!(start.elapsed() < Duration::from_secs(5));
        std::thread::sleep(Duration::from_millis(5));
    }
    wait_for(&supervisor, "live", is_live);
    let status = supervisor.status();
    assert!(status.refusal.unwrap().to_string().contains("does not exist"));
    assert_eq!(status.choice, Some("demo".parse().unwrap()), "what is shown, not what was asked for");
    assert!(supervisor.frames().recv_timeout(Duration::from_secs(5)).is_ok());
}

#[test]
fn a_folder_comes_once_in_order_and_damaged_pictures_are_left_out() {
    let folder = TempDir::new().unwrap();
    for (name, shade) in [("c.png", 30), ("a.png", 10), ("d.png", 40)] {
        write_png(&folder.path().join(name), shade);
    }
    std::fs::write(folder.path().join("b.png"), b"\x89PNG\r\n\x1a\nno").unwrap();
    std::fs::write(folder.path().join("notes.txt"), b"no picture").unwrap();
    std::fs::write(folder.path().join("._a.png"), b"hidden").unwrap();
    std::fs::create_dir(folder.path().join("folder.png")).unwrap();
    std::os::unix::fs::symlink("nowhere", folder.path().join("e.png")).unwrap();
    for delivery in [Delivery::Terminal, Delivery::Lossless] {
        let supervisor = Fakes::new(&[]).supervisor(folder.path().to_str(), delivery).unwrap();
        let shades: Vec<u8> = supervisor.frames().iter().map(|frame| frame.rgb[0]).collect();
        assert_eq!(shades, [10, 30, 40]);
        assert!(matches!(supervisor.status().state, SourceState::Ended { frames: 3, error: None, .. }));
        assert_eq!(supervisor.status().left_out, LeftOut { count: 2, files: true });
    }
}

#[test]
fn a_picture_stays_in_a_window() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("one.png");
    write_png(&path, 99);
    let supervisor = Fakes::new(&[]).supervisor(path.to_str(), Delivery::Window).unwrap();
    let frames: Vec<Frame> = supervisor.frames().iter().take(4).collect();
    assert!(frames.windows(2).all(|pair| pair[0].index < pair[1].index && pair[0].captured < pair[1].captured));
    assert!(frames.iter().all(|frame| frame.rgb[0] == 99));
}

#[test]
fn frames_say_which_source_they_are_of_and_what_was_dropped_before() {
    let fakes = Fakes::new(&["cat $F; sleep 0.05; cat $F; exit 1"]);
    for delivery in [Delivery::Window, Delivery::Lossless] {
        let supervisor = fakes.supervisor(Some("demo:1"), delivery).unwrap();
        let (mut source, mut taken) = (0, 0);
        for round in 0..40 {
            if round % 4 == 0 {
                // The thread may be handing a frame over: that one is void.
                std::thread::sleep(Duration::from_millis(70));
                supervisor.switch_to(Some(format!("demo:{round}").parse().unwrap()));
            }
            let frame = supervisor.frames().recv().unwrap();
            if frame.source != source {
                assert!(frame.source > source);
                (source, taken) = (frame.source, 0);
            }
            taken += 1;
            assert_eq!(frame.index + 1 - frame.dropped, taken, "frame {} of source {source}", frame.index);
            assert!(supervisor.status().source >= source);
        }
        assert!(source >= 9, "{source}");
    }
}

/// A camera that is opened again and a film that starts over are the source that they were.
#[test]
fn what_starts_over_is_no_other_source() {
    let fakes = Fakes::new(&["cat $F; sleep 0.05; cat $F; exit 1"]);
    let supervisor = fakes.supervisor(Some("camera"), Delivery::Window).unwrap();
    let frames: Vec<Frame> = supervisor.frames().iter().take(4).collect();
    assert!(fakes.starts() >= 2);
    assert!(frames.windows(2).all(|pair| pair[0].index < pair[1].index && pair[1].source == 1), "{frames:?}");
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("short.y4m");
    std::fs::write(&path, b"YUV4MPEG2 W1 H1 F100:1 Cmono\nFRAME\n\x10FRAME\n\xeb").unwrap();
    let supervisor = fakes.supervisor(path.to_str(), Delivery::Window).unwrap();
    let frames: Vec<Frame> = supervisor.frames().iter().take(7).collect();
    assert!(frames.windows(2).all(|pair| pair[0].index < pair[1].index && pair[1].source == 1), "{frames:?}");
}

/// The first frame's, the second's and so on of what the file named `name` shows, and how many are left out.
fn seen(name: &str, bytes: &[u8], delivery: Delivery) -> Result<(Vec<u8>, LeftOut), SourceError> {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    let supervisor = Fakes::new(&[]).supervisor(path.to_str(), delivery)?;
    let shades: Vec<u8> = supervisor.frames().iter().map(|frame| frame.rgb[0]).collect();
    let SourceStatus { state, produced, left_out, .. } = supervisor.status();
    assert!(matches!(state, SourceState::Ended { error: None, .. }), "{state:?}");
    assert_eq!(produced, shades.len() as u64, "what is left out has no number");
    Ok((shades, left_out))
}

#[test]
fn frames_that_cannot_be_decoded_are_left_out_and_counted_wherever_they_stand() {
    let shades = [35, 75, 115, 155, 195];
    for bad in [&[0][..], &[2], &[4], &[0, 1, 4], &[]] {
        let cut = |at: usize, whole: Vec<u8>| whole[..whole.len() - if bad.contains(&at) { 4 } else { 0 }].to_vec();
        let good: Vec<u8> = (0..5).filter(|at| !bad.contains(at)).map(|at| shades[at]).collect();
        let expected = LeftOut { count: bad.len() as u64, files: false };
        let raw = (0..5).map(|at| cut(at, [&b"FRAME\n"[..], &[shades[at]; 8]].concat()));
        let raw = [&b"YUV4MPEG2 W4 H2 F25:1 Cmono XCOLORRANGE=FULL\n"[..], &raw.collect::<Vec<_>>().concat()].concat();
        let (greys, left_out) = seen("cut.y4m", &raw, Delivery::Lossless).unwrap();
        assert_eq!((greys, left_out.count), (good.clone(), expected.count), "{bad:?}");
        let jpegs: Vec<u8> = (0..5).flat_map(|at| cut(at, made::grey(shades[at]))).collect();
        let (greys, left_out) = seen("cut.mjpeg", &jpegs, Delivery::Lossless).unwrap();
        assert_eq!(left_out, expected, "{bad:?}");
        assert!(greys.iter().zip(&good).all(|(have, want)| have.abs_diff(*want) < 3), "{greys:?}, not {good:?}");
    }
}

#[test]
fn a_video_without_a_good_frame_is_an_error() {
    let bad: Vec<u8> = [90, 120].iter().flat_map(|&shade| made::grey(shade)[..400].to_vec()).collect();
    let text = seen("cut.mjpeg", &bad, Delivery::Lossless).unwrap_err().to_string();
    assert!(
        text.contains("none of the 2 frames") && text.contains("frame 1 of") && text.contains("cut short"),
        "{text}"
    );
    assert!(seen("none.y4m", b"YUV4MPEG2 W4 H2\n", Delivery::Lossless).is_err());
}

#[test]
fn bad_frames_do_not_end_a_camera_and_are_counted() {
    let supervisor = Fakes::new(&["cat $BAD; exec sleep 60"]).supervisor(Some("camera"), Delivery::Terminal).unwrap();
    assert!(supervisor.frames().recv().is_ok());
    let start = Instant::now();
    while supervisor.status().left_out.count < 4 {
        assert!(start.elapsed() < Duration::from_secs(20), "{:?}", supervisor.status());
        std::thread::sleep(Duration::from_millis(5));
    }
    let status = supervisor.status();
    assert_eq!(status.left_out, LeftOut { count: 4, files: false });
    assert_eq!(status.produced, 2, "the two good ones: {status:?}");
    assert!(is_live(&status.state));
}

#[test]
fn a_camera_of_bad_frames_alone_is_given_up() {
    let fakes = Fakes::new(&[&STEADY.replace("$ALL", "$ALL.bad").replace("$SIZE", "51")]);
    let mut all = Vec::new();
    (0..FRAMES).for_each(|sequence| write_undecodable(&mut all, sequence, "it is cut short").unwrap());
    assert_eq!(all.len() as u64, 51 * FRAMES);
    std::fs::write(fakes.folder.path().join("all.bad"), all).unwrap();
    let start = Instant::now();
    let supervisor = fakes.supervisor(Some("camera"), Delivery::Terminal).unwrap();
    assert!(supervisor.frames().recv().is_err());
    let state = supervisor.status().state.to_string();
    assert!(state.contains("no picture that can be decoded") && state.contains("cut short"), "{state}");
    assert!(start.elapsed() > Duration::from_secs(4) && start.elapsed() < Duration::from_secs(30));
}

/// Silence is silence, whatever came before it.
#[test]
fn a_camera_that_falls_silent_after_a_bad_frame_has_stalled() {
    let script = "head -c 51 $BAD; exec sleep 60";
    let supervisor = Fakes::new(&[script]).supervisor(Some("camera"), Delivery::Terminal).unwrap();
    assert!(supervisor.frames().recv().is_err());
    let state = supervisor.status().state.to_string();
    assert!(state.contains("no frame for 2 s"), "{state}");
}

#[test]
fn frames_out_of_order_are_not_believed() {
    // The same frame again, an older one, and one from the far future.
    let again = "cat $F; sleep 0.2; cat $F";
    let older = "dd if=$ALL bs=$SIZE skip=9 count=1; sleep 0.2; cat $F";
    let future = "cat $F; sleep 0.2; head -c 24 $F; printf '\\000\\000\\000\\000\\000\\000\\000\\200'; tail -c +33 $F";
    for script in [again, older, future] {
        let supervisor = Fakes::new(&[script]).supervisor(Some("camera:0"), Delivery::Window).unwrap();
        wait_for(&supervisor, "lost", |state| is_lost(state, CameraFault::Crashed));
        let state = supervisor.status().state.to_string();
        assert!(state.contains("after frame"), "{script}: {state}");
    }
}

#[test]
fn frames_that_get_lost_on_the_way_are_counted() {
    let script =
        "cat $F; until [ -e $F.taken ]; do sleep 0.02; done; dd if=$ALL bs=$SIZE skip=8 count=1; exec sleep 60";
    let fakes = Fakes::new(&[script]);
    let supervisor = fakes.supervisor(Some("camera"), Delivery::Terminal).unwrap();
    let next = || supervisor.frames().recv_timeout(Duration::from_secs(20)).unwrap().index;
    assert_eq!(next(), 0);
    std::fs::write(fakes.folder.path().join("frame.taken"), b"").unwrap();
    assert_eq!(next(), 8);
    assert_eq!((supervisor.status().produced, supervisor.status().dropped), (9, 7));
}

/// What is left out of a video that starts over is the same every time.
#[test]
fn what_is_left_out_is_counted_in_the_first_round_only() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("short.y4m");
    std::fs::write(&path, b"YUV4MPEG2 W1 H1 F100:1 Cmono\nFRAME\n\x10FRAME\nFRAME\n\xeb").unwrap();
    let supervisor = Fakes::new(&[]).supervisor(path.to_str(), Delivery::Window).unwrap();
    let start = Instant::now();
    // Two good frames a round.
    while supervisor.status().produced < 7 {
        assert!(start.elapsed() < Duration::from_secs(20), "{:?}", supervisor.status());
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(supervisor.status().left_out, LeftOut { count: 1, files: false });
}

#[test]
fn a_video_starts_over_in_a_window() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("short.y4m");
    std::fs::write(&path, b"YUV4MPEG2 W1 H1 F100:1 Cmono\nFRAME\n\x10FRAME\n\xeb").unwrap();
    let supervisor = Fakes::new(&[]).supervisor(path.to_str(), Delivery::Window).unwrap();
    let shades: Vec<u8> = supervisor.frames().iter().take(12).map(|frame| frame.rgb[0]).collect();
    assert!(shades.contains(&0) && shades.contains(&255), "{shades:?}");
    assert!(supervisor.status().produced > 2);
}
