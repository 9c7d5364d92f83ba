//! The ring, the file and the replay.

use super::error::{FlightError, Place};
use super::file::{END, EVENT, FRAME};
use super::forge::{forged, taken_apart};
use super::frame::{EventKind, FlightFrame};
use super::reader::{FlightReader, FlightRecord};
use super::recorder::{FlightRecorder, FlightSeen};
use super::replay::{Replayed, check_network, replay};
use super::ring::{Flight, FlightEntry, FlightLimits, FlightRing};
use super::writer::{Written, write_to};
use crate::engine::cpu::{CpuEngine, Level};
use crate::engine::reference::ReferenceEngine;
use crate::engine::{Engine, Probe, Wants};
use crate::frame::InputImage;
use crate::inspect::Sampler;
use crate::inspect::probe_list::ProbeList;
use crate::network::Network;
use crate::network::shipped::Shipped;
use crate::splitmix64::SplitMix64;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

const EDGE: usize = 16;
const FRAME_TIME: Duration = Duration::from_millis(33);

fn cards(name: &str) -> Arc<Network> {
    Arc::new(Shipped::named(name).expect("shipped").load().expect("well formed"))
}

fn noise(edge: usize, seed: u64) -> InputImage {
    let mut image = InputImage::black(edge);
    let mut dice = SplitMix64(seed);
    image.rgb_mut().iter_mut().for_each(|byte| *byte = dice.next() as u8);
    image
}

/// Keeps a frame that holds nothing but its number.
fn keep(ring: &mut FlightRing, network: &Arc<Network>, number: u64) {
    let answer = vec![number as f32; network.labels().len()];
    let input = noise(EDGE, number);
    let at = FRAME_TIME * number as u32;
    ring.is_of(network, EDGE, at);
    let layers = vec![Some(number as u32); network.layers().len()];
    let layers = if number.is_multiple_of(2) { &layers[..] } else { &[] };
    ring.keep(&FlightEntry { number, at, input: &input, answer: [&answer, &[]], layers });
}

fn held_bytes(frame: &FlightFrame) -> usize {
    frame.pixels.capacity() + 4 * frame.answer.capacity() + 8 * frame.layers.capacity() + size_of::<FlightFrame>() + 24
}

#[test]
fn ten_minutes_stay_within_the_limit() {
    let network = cards("cards");
    let limits = FlightLimits { bytes: 200_000, span: Duration::from_secs(120) };
    let mut ring = FlightRing::new(limits);
    let mut first_full = None;
    for number in 0..18_000 {
        keep(&mut ring, &network, number);
        let (frames, _) = ring.held();
        let kept = ring.flight(0).expect("frames");
        assert!(kept.frames.iter().map(|frame| held_bytes(frame)).sum::<usize>() <= limits.bytes, "frame {number}");
        assert!(ring.bytes() <= limits.bytes);
        assert_eq!(ring.newest().expect("kept").number, number);
        if first_full.is_none() && frames < number as usize + 1 {
            first_full = Some(number);
        }
    }
    let (frames, span) = ring.held();
    assert!(first_full == Some(frames as u64) && frames > 150, "{frames} frames, full at {first_full:?}");
    assert_eq!(span, FRAME_TIME * (frames as u32 - 1));
    let flight = ring.flight(0).expect("frames");
    for (frame, number) in flight.frames.iter().zip(18_000 - frames as u64..) {
        let looked_at = number.is_multiple_of(2);
        assert_eq!((frame.number, &frame.pixels[..]), (number, noise(EDGE, number).rgb()));
        assert!(frame.answer.iter().all(|&bits| bits == (number as f32).to_bits()));
        assert_eq!((frame.is_looked_at(), frame.layers.is_empty()), (looked_at, !looked_at));
    }
}

#[test]
fn what_is_too_old_goes_and_a_full_ring_allocates_nothing() {
    let network = cards("cards");
    let mut ring = FlightRing::new(FlightLimits { bytes: 1 << 30, span: FRAME_TIME * 50 });
    (0..200).for_each(|number| keep(&mut ring, &network, number));
    assert_eq!(ring.held(), (51, FRAME_TIME * 50));
    let places = |ring: &FlightRing| {
        let flight = ring.flight(0).expect("frames");
        let mut places: Vec<*const u8> = flight.frames.iter().map(|frame| frame.pixels.as_ptr()).collect();
        places.sort();
        places
    };
    let before = places(&ring);
    (200..400).for_each(|number| keep(&mut ring, &network, number));
    let after = places(&ring);
    assert!(after.iter().filter(|place| !before.contains(place)).count() <= 1, "frames were allocated");
    // After a pause all are too old but one, and their room is used again.
    let bytes = ring.bytes();
    (10_000..10_040).for_each(|number| keep(&mut ring, &network, number));
    assert_eq!((ring.held().0, ring.bytes()), (40, bytes));
}

#[test]
fn a_recording_that_is_being_written_keeps_its_frames() {
    let network = cards("cards");
    let mut ring = FlightRing::new(FlightLimits { bytes: 20_000, span: Duration::from_secs(120) });
    (0..100).for_each(|number| keep(&mut ring, &network, number));
    let (frames, _) = ring.held();
    let mut flight = ring.flight(0).expect("frames");
    let newest = flight.frames.back().expect("frames").number;
    keep(&mut ring, &network, 100);
    assert_eq!((ring.held().0, ring.newest().expect("kept").number), (frames, newest), "there is no room");
    let oldest = flight.frames.pop_front().expect("frames");
    assert_eq!((oldest.number, &oldest.pixels[..]), (100 - frames as u64, noise(EDGE, 100 - frames as u64).rgb()));
    drop(oldest);
    keep(&mut ring, &network, 101);
    assert_eq!((ring.held().0, ring.newest().expect("kept").number), (frames, 101));
    assert!(ring.bytes() <= 20_000);
}

#[test]
fn events_leave_their_traces_and_another_network_begins_anew() {
    let network = cards("cards");
    let mut ring = FlightRing::new(FlightLimits { bytes: 1 << 30, span: FRAME_TIME * 10 });
    let note = |ring: &mut FlightRing, kind, text: &str| ring.note(kind, Duration::ZERO, text);
    note(&mut ring, EventKind::Source, "demo");
    note(&mut ring, EventKind::Engine, "cpu");
    (0..5).for_each(|number| keep(&mut ring, &network, number));
    note(&mut ring, EventKind::Source, "demo");
    note(&mut ring, EventKind::Source, "camera\n0");
    note(&mut ring, EventKind::Engine, "reference");
    (5..10).for_each(|number| keep(&mut ring, &network, number));
    let flight = ring.flight(0).expect("frames");
    assert_eq!((flight.source.as_str(), flight.engine.as_str()), ("demo", "cpu"));
    let events: Vec<_> = flight.events.iter().map(|event| (event.frame, event.kind, event.text.as_str())).collect();
    assert_eq!(events, [(5, EventKind::Source, "camera\\n0"), (5, EventKind::Engine, "reference")]);
    drop(flight);
    // They are older than the oldest frame.
    (10..30).for_each(|number| keep(&mut ring, &network, number));
    let flight = ring.flight(0).expect("frames");
    assert_eq!((flight.source.as_str(), flight.engine.as_str()), ("camera\\n0", "reference"));
    assert!(flight.events.is_empty());
    // Another network.
    let other = cards("cards-float-input");
    (30..33).for_each(|number| keep(&mut ring, &other, number));
    let flight = ring.flight(0).expect("frames");
    assert!(Arc::ptr_eq(&flight.network, &other) && flight.frames.len() == 3);
    assert_eq!(flight.events.len(), 1);
    assert!(flight.events[0].text.starts_with("cards-float-input at 16 pixels"), "{:?}", flight.events);
    (0..5000).for_each(|number| note(&mut ring, EventKind::Source, &format!("{number}{}", "x".repeat(1000))));
    let events = ring.flight(0).expect("frames").events;
    assert!(events.len() == 1000 && events.iter().all(|event| event.text.len() <= 200));
}

/// A recording of so many frames of noise at an edge, every second of them looked at, on the reference engine.
fn recorded(network: &Arc<Network>, edge: usize, frames: u64) -> Flight {
    let mut engine = ReferenceEngine::new(Arc::clone(network), edge).expect("a size of it");
    let mut recorder = FlightRecorder::new(FlightLimits::default());
    recorder.note_source("noise");
    for number in 0..frames {
        let input = noise(edge, number);
        let look = number.is_multiple_of(2).then_some(Duration::ZERO);
        let outcome = match look {
            Some(_) => engine.run_probed(&input, recorder.probe()),
            None => engine.run(&input),
        };
        let outcome = outcome.expect("it runs");
        let answer = [outcome.logits, outcome.others];
        recorder.record(&FlightSeen { number, network, engine: "reference", input: &input, answer, look });
    }
    recorder.note_source("the end");
    recorder.flight().expect("frames")
}

fn bytes_of(flight: Flight) -> Vec<u8> {
    let mut bytes = Vec::new();
    let written = write_to(flight, &mut bytes).expect("written");
    assert_eq!(written.bytes, bytes.len() as u64);
    bytes
}

fn reader(bytes: &[u8]) -> Result<FlightReader<&[u8]>, FlightError> {
    FlightReader::new(bytes, bytes.len() as u64)
}

fn read(bytes: &[u8]) -> Result<Vec<FlightRecord>, FlightError> {
    let mut reader = reader(bytes)?;
    let mut records = Vec::new();
    while let Some(record) = reader.next()? {
        records.push(record);
    }
    assert_eq!(reader.next()?, None);
    Ok(records)
}

#[test]
fn what_is_written_is_read_as_the_same() {
    let network = cards("cards");
    let flight = recorded(&network, EDGE, 5);
    let frames: Vec<FlightFrame> = flight.frames.iter().map(|frame| (**frame).clone()).collect();
    let mut bytes = Vec::new();
    let written = write_to(flight, &mut bytes).expect("written");
    assert_eq!((written.frames, written.looked_at), (5, 3));
    assert_eq!(written, Written { bytes: bytes.len() as u64, ..written });
    let records = read(&bytes).expect("it is whole");
    let (read_frames, others): (Vec<_>, Vec<_>) =
        records.into_iter().partition(|record| matches!(record, FlightRecord::Frame(_)));
    assert_eq!(read_frames, frames.into_iter().map(FlightRecord::Frame).collect::<Vec<_>>());
    let [FlightRecord::Event(event)] = &others[..] else { panic!("{others:?}") };
    assert_eq!((event.frame, event.kind, event.text.as_str()), (5, EventKind::Source, "the end"));
    let header = reader(&bytes).expect("whole").header().clone();
    assert_eq!((header.engine.as_str(), header.source.as_str(), header.edge), ("reference", "noise", EDGE));
    check_network(&header, &network).expect("the same");
    let refused = check_network(&header, &cards("cards-float-input")).expect_err("another one");
    assert!(refused.contains("of `cards`") && refused.contains("`cards-float-input`"), "{refused}");
}

#[test]
fn every_bit_and_every_cut_counts() {
    let bytes = bytes_of(recorded(&cards("cards"), EDGE, 2));
    for at in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[at] ^= 1 << (at % 8);
        read(&flipped).expect_err("a bit is another one");
        let error = read(&bytes[..at]).expect_err("it is cut short");
        assert!(matches!(error, FlightError::Cut(_) | FlightError::NotAFlight | FlightError::Frames { .. }), "{error}");
    }
    assert!(matches!(read(&[&bytes[..], b"x"].concat()), Err(FlightError::Surplus)));
}

#[test]
fn files_that_lie_are_refused() {
    let bytes = bytes_of(recorded(&cards("cards"), EDGE, 2));
    let (json, good) = taken_apart(&bytes);
    let header: Value = serde_json::from_slice(&json).expect("JSON");
    let [first, second, event, end] = &good[..] else { panic!("{} records", good.len()) };
    assert_eq!(forged(&json, &good), bytes);
    let refused = |key: &str, value: Value| {
        let mut header = header.clone();
        header[key] = value;
        read(&forged(header.to_string().as_bytes(), &good)).expect_err(key).to_string()
    };
    assert!(refused("edge", json!(60_000)).contains("60000×60000 pixels"));
    assert!(refused("edge", json!(EDGE + 1)).contains("16×16"));
    assert!(refused("frames", json!(1_000_000_000)).contains("1000000000 frames"));
    assert!(refused("frames", json!(3)).contains("its header claims [3, 1]"));
    assert!(refused("frames", json!(1)).contains("more frames than the 1"));
    assert!(refused("events", json!(7)).contains("[2, 7]"));
    assert!(refused("seconds", json!(-1)).contains("-1 seconds"));
    assert!(refused("logits", json!(5)).contains("5 logits"));
    assert!(refused("layers", json!(["one"])).contains("layer that is none"));
    assert!(refused("unheard_of", json!(1)).contains("unheard_of"));
    let refused = |records: &[&(u8, Option<Vec<u8>>)]| {
        let records: Vec<_> = records.iter().map(|record| (*record).clone()).collect();
        read(&forged(&json, &records)).expect_err("a lie").to_string()
    };
    assert!(refused(&[second, first, event, end]).contains("behind a later one"));
    assert!(refused(&[first, first, event, end]).contains("behind a later one"));
    assert!(refused(&[first, second, event]).contains("cut short behind 3 records"));
    assert!(refused(&[&(9, Some(vec![])), end]).contains("kind 9"));
    assert!(refused(&[&(FRAME, Some(vec![0; 20])), end]).contains("too short"));
    assert!(refused(&[&(FRAME, Some(vec![0; 1 << 20]))]).contains("make sense"));
    assert!(refused(&[&(EVENT, Some(b"{}".to_vec()))]).contains("an event"));
    assert!(refused(&[first, second, event, &(END, Some(vec![0; 20]))]).contains("its end"));
    let mut broken = first.clone();
    broken.1.as_mut().map(|content| content.truncate(content.len() - 40)).expect("a frame");
    assert!(refused(&[&broken]).contains("the picture of frame 0"));
    let mut long = bytes.clone();
    long[12..16].copy_from_slice(&u32::MAX.to_le_bytes());
    assert!(read(&long).expect_err("too long").to_string().contains("bytes of JSON"));
    let mut newer = bytes.clone();
    newer[8] = 2;
    assert!(matches!(read(&newer), Err(FlightError::Version { found: 2, .. })));
    assert!(matches!(read(b"no recording"), Err(FlightError::NotAFlight)));
    assert!(matches!(read(&bytes[..30]), Err(FlightError::Cut(Place::Header))));
}

#[test]
fn all_engines_compute_a_recording_again() {
    for name in ["cards", "cards-float-input"] {
        let network = cards(name);
        let bytes = bytes_of(recorded(&network, network.edge(), 3));
        for level in Level::ALL.into_iter().filter(|level| level.is_available()) {
            let mut engine = CpuEngine::new(Arc::clone(&network), network.edge(), level, 1).expect("available");
            let replayed = replay(reader(&bytes).expect("whole"), &mut engine).expect("it runs");
            let expected = Replayed { frames: 3, looked_at: 2, differing: 0, first: None };
            assert_eq!(replayed, expected, "{name}, {level}");
        }
    }
}

#[test]
fn what_differs_is_found_where_it_begins() {
    let network = cards("cards");
    let last = network.layers().len() - 1;
    let mut engine = CpuEngine::new(Arc::clone(&network), 64, Level::best(), 1).expect("available");
    let mut first = |change: fn(&mut FlightFrame, usize), at: usize| {
        let mut flight = recorded(&network, 64, 3);
        change(Arc::make_mut(&mut flight.frames[at]), last);
        let replayed = replay(reader(&bytes_of(flight)).expect("whole"), &mut engine).expect("it runs");
        (replayed.differing, replayed.first.map(|first| (first.frame, first.layer)))
    };
    assert_eq!(first(|frame, _| frame.answer[0] ^= 1, 1), (1, Some((1, last))));
    assert_eq!(first(|frame, _| frame.layers[4] = frame.layers[4].map(|crc| crc ^ 1), 2), (1, Some((2, 4))));
    assert_eq!(first(|frame, last| frame.layers[last - 1] = Some(7), 0), (1, Some((0, last - 1))));
    // Another picture: the first layer that sees it tells.
    let (differing, found) = first(|frame, _| frame.pixels.fill(0), 0);
    assert_eq!((differing, found), (1, Some((0, 0))));
}

#[test]
fn a_pair_of_probes_sees_what_each_sees_alone() {
    /// Keeps all codes.
    #[derive(Default)]
    struct All(Vec<Vec<u8>>);

    impl Probe for All {
        fn wants(&self, _: usize) -> Wants {
            Wants { codes: true, ..Wants::default() }
        }

        fn codes(&mut self, _: usize, codes: &[u8]) {
            self.0.push(codes.to_vec());
        }
    }

    let network = cards("cards");
    let input = noise(64, 1);
    let mut engine = CpuEngine::new(Arc::clone(&network), 64, Level::best(), 1).expect("available");
    let [mut alone, mut paired] = [Sampler::new(&network, 4), Sampler::new(&network, 4)];
    let mut all = All::default();
    engine.run_probed(&input, &mut alone).expect("it runs");
    engine.run_probed(&input, &mut all).expect("it runs");
    let mut recorder = FlightRecorder::new(FlightLimits::default());
    let outcome = engine.run_probed(&input, &mut ProbeList(vec![&mut paired, recorder.probe()])).expect("it runs");
    let answer = [outcome.logits, outcome.others];
    let look = Some(Duration::ZERO);
    recorder.record(&FlightSeen { number: 0, network: &network, engine: "cpu", input: &input, answer, look });
    let codes = |sampler: &Sampler| sampler.samples().iter().map(|sample| sample.codes).collect::<Vec<_>>();
    assert_eq!(codes(&alone), codes(&paired));
    assert_eq!((&alone.detail().codes, &alone.detail().sums), (&paired.detail().codes, &paired.detail().sums));
    let flight = recorder.flight().expect("a frame");
    let seen: Vec<u32> = flight.frames[0].layers.iter().copied().flatten().collect();
    assert_eq!(seen, all.0.iter().map(|codes| crc32fast::hash(codes)).collect::<Vec<_>>());
}

#[test]
fn every_second_frame_is_looked_at_where_that_is_cheap() {
    let network = cards("cards");
    let mut recorder = FlightRecorder::new(FlightLimits::default());
    let input = InputImage::black(64);
    let answer = vec![0.0; network.labels().len()];
    let record = |recorder: &mut FlightRecorder, number, took| {
        let look = recorder.is_due(number).then_some(took);
        let _ = recorder.probe();
        let answer = [&answer[..], &[]];
        recorder.record(&FlightSeen { number, network: &network, engine: "cpu", input: &input, answer, look });
        look.is_some()
    };
    let looks: Vec<bool> = (0..6).map(|number| record(&mut recorder, number, Duration::ZERO)).collect();
    assert_eq!(looks, [true, false, true, false, true, false]);
    // A board whose line is slow.
    assert!(record(&mut recorder, 6, Duration::from_secs(60)));
    assert!((7..20).all(|number| !record(&mut recorder, number, Duration::ZERO)));
    // The last one is looked at afterwards.
    assert_eq!(recorder.newest_unseen(), Some(input));
    recorder.probe().codes(3, &[1, 2, 3]);
    recorder.look_back(&network);
    assert_eq!(recorder.newest_unseen(), None);
    let newest = recorder.flight().expect("frames").frames.pop_back().expect("frames");
    assert_eq!((newest.layers[3], newest.layers.len()), (Some(crc32fast::hash(&[1, 2, 3])), network.layers().len()));
}
