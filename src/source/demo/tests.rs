//! The demo as a whole: the same frames from the same seed, truths that are true, ranges that are uniform.

use super::shown::Decoy;
use std::collections::BTreeSet;
use std::path::Path;

use super::pose::{Attitude, Quad};
use super::shot::{Subject, locate};
use super::stream::{DECORRELATED, Frames, write_pictures, write_records};
use super::*;

/// Bytes of a frame.
const FRAME: usize = WIDTH as usize * HEIGHT as usize * 3;

fn frame(renderer: &mut DemoRenderer, index: u64) -> (Truth, Vec<u8>) {
    let mut rgb = vec![0; FRAME];
    let truth = renderer.render(index, &mut rgb);
    (truth, rgb)
}

#[test]
fn a_frame_follows_from_seed_and_index_alone() {
    let mut forward = DemoRenderer::new(5);
    let frames = [0, 1, 2, 700, 701].map(|index| frame(&mut forward, index));
    let mut backward = DemoRenderer::new(5);
    for (index, known) in [701, 700, 2, 1, 0].into_iter().zip(frames.iter().rev()) {
        assert!(frame(&mut backward, index) == *known, "frame {index} depends on what was rendered before");
    }
    assert!(frame(&mut DemoRenderer::new(6), 0).1 != frames[0].1, "two seeds give the same frame");
}

/// The figure was taken once; networks are trained on these frames, so that neither a machine nor a change of the code may
/// make others of them unnoticed. (A frame without a card: drawings are rasterised by a library.)
#[test]
fn the_frames_are_those_of_the_training() {
    let (truth, rgb) = frame(&mut DemoRenderer::new(2026), 0);
    let sum = rgb.iter().fold(0u64, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    assert_eq!((truth.label.as_str(), sum), ("nothing", 3_613_346_137_456_025_860));
}

#[test]
fn one_frame_in_five_shows_no_card_and_half_of_those_a_decoy() {
    for group in 0..200 {
        let subjects = (group * 200..(group + 1) * 200).map(|index| locate(11, index).0.subject);
        let (mut empty, mut decoys) = (0, 0);
        for subject in subjects {
            empty += usize::from(subject == Subject::Empty);
            decoys += usize::from(subject == Subject::Decoy);
        }
        assert_eq!((empty, decoys), (20, 20));
    }
}

#[test]
fn training_sees_every_shot_once_and_all_cards_alike() {
    let shots: Vec<_> = (0..16_000).map(|record| locate(3, record * DECORRELATED)).collect();
    assert!(shots.windows(2).all(|pair| pair[0].0.number != pair[1].0.number));
    let mut counts = [0u32; cards::COUNT];
    let mut nothing = 0u32;
    for (shot, _) in shots {
        match shot.subject {
            Subject::Card(card) => counts[card] += 1,
            _ => nothing += 1,
        }
    }
    assert!((3168..=3232).contains(&nothing), "{nothing} of 16000 without a card");
    assert!(counts.iter().all(|count| (320..=480).contains(count)), "{counts:?}");
}

#[test]
fn every_range_is_uniform_and_none_is_left() {
    let mut painter = background::Painter::new();
    let (mut sizes, mut rolls, mut occlusions) = (Vec::new(), Vec::new(), Vec::new());
    for record in 0..1250 {
        let (shot, time) = locate(21, record * DECORRELATED);
        if !matches!(shot.subject, Subject::Card(_)) {
            continue;
        }
        let scene = Scene::set(21, shot, &mut painter, None);
        let view = scene.view(time as f32);
        let shown = scene.shown(&view, view.occlusion);
        sizes.push((shown.size - 0.40) / 0.55);
        rolls.push((shown.roll + 35.0) / 70.0);
        occlusions.push(shown.occlusion / 0.2);
    }
    assert_uniform("size", &sizes);
    assert_uniform("roll", &rolls);
    assert_uniform("occlusion", &occlusions);
}

/// Chi-square over ten bins of 0 to 1, at the level of one in a thousand.
fn assert_uniform(what: &str, values: &[f32]) {
    let mut bins = [0.0f32; 10];
    for &value in values {
        assert!((-0.001..=1.001).contains(&value), "{what}: {value} of the range");
        bins[((value * 10.0) as usize).min(9)] += 1.0;
    }
    let expected = values.len() as f32 / 10.0;
    let chi_square: f32 = bins.iter().map(|bin| (bin - expected) * (bin - expected) / expected).sum();
    assert!(chi_square < 27.9, "{what}: {bins:?}, chi-square {chi_square}");
}

/// What was drawn over the card is what the truth says: an occluder over white and over black leaves the same pixels.
#[test]
fn the_hidden_part_is_what_is_drawn() {
    let mut painter = background::Painter::new();
    let mut checked = 0;
    for record in 0..150 {
        let (shot, time) = locate(8, record * DECORRELATED);
        let scene = Scene::set(8, shot, &mut painter, None);
        let view = scene.view(time as f32);
        if !matches!(shot.subject, Subject::Card(_)) {
            continue;
        }
        let [mut white, mut black] = [(); 2].map(|()| Canvas::new(WIDTH as usize, HEIGHT as usize));
        white.rgb.fill(255);
        if let (Some(occluder), Some(placement)) = (&scene.occluder, &view.occluder) {
            occluder.draw(&mut white, placement);
            occluder.draw(&mut black, placement);
        }
        let (mut seen, mut whole) = (0, 0.0);
        for (y, from, to) in view.quad.spans(WIDTH as usize, HEIGHT as usize) {
            for x in from.max(80)..to.min(560) {
                let byte = (y * WIDTH as usize + x) * 3;
                seen += usize::from(white.rgb[byte..byte + 3] != black.rgb[byte..byte + 3]);
            }
        }
        let [a, b, c, d] = view.quad.0;
        whole += ((c[0] - a[0]) * (d[1] - b[1]) - (d[0] - b[0]) * (c[1] - a[1])).abs() / 2.0;
        let hidden = 1.0 - seen as f32 / whole;
        // The truth counts places on the card, this pixels in the frame: perspective makes a difference.
        assert!((hidden - view.occlusion).abs() < 0.05, "record {record}: {hidden} drawn, {} told", view.occlusion);
        checked += 1;
    }
    assert!(checked > 100);
}

#[test]
fn every_kind_of_decoy_comes_and_is_nothing() {
    let mut renderer = DemoRenderer::new(31);
    let mut rgb = vec![0; FRAME];
    let mut kinds = BTreeSet::new();
    for record in 0..300 {
        let index = record * DECORRELATED;
        if !matches!(locate(31, index).0.subject, Subject::Card(_)) {
            let shown = renderer.render_shown(index, &mut rgb);
            assert_eq!((shown.label, shown.size, shown.occlusion), (cards::COUNT, 0.0, 0.0));
            kinds.insert(shown.decoy as u8);
        }
    }
    assert_eq!(kinds, BTreeSet::from([1, 2, 3, 4, 5]));
}

#[test]
fn the_cards_are_the_drawings_in_the_folder() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/cards");
    let mut names = BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "svg") {
            names.insert(path.file_stem().unwrap().to_str().unwrap().replace('-', " "));
        }
    }
    assert!(names.iter().eq(&labels()[..cards::COUNT]), "{names:?}");
    assert_eq!(labels().last(), Some(&"nothing"));
}

#[test]
fn every_drawing_is_a_white_card_with_our_frame_and_a_picture() {
    for (card, name) in labels()[..cards::COUNT].iter().enumerate() {
        let face = cards::Face::draw(card);
        let quad = Quad([[0.0, 0.0], [100.0, 0.0], [100.0, 140.0], [0.0, 140.0]]);
        let mut canvas = Canvas::new(100, 140);
        canvas.rgb.fill(77);
        face.at(140.0).lay(&mut canvas, &quad, &texture::Tint { gain: [256; 3], saturation: 256, ink: [256; 3] });
        let pixel = |x: usize, y: usize| &canvas.rgb[(y * 100 + x) * 3..][..3];
        assert_eq!(pixel(50, 2), cards::FRAME_COLOUR, "{name}: the frame is not ours");
        assert_eq!(pixel((100.0 * cards::FRAME_WIDTH) as usize - 2, 70), cards::FRAME_COLOUR, "{name}: a narrow frame");
        assert!(pixel(50, 8).iter().all(|&byte| byte > 240), "{name}: the margin is not white");
        assert_eq!(pixel(0, 0), [77; 3], "{name}: the corner is not round");
        let coloured =
            canvas.rgb.as_chunks::<3>().0.iter().filter(|pixel| pixel.iter().any(|&byte| byte < 200)).count();
        assert!(coloured > 14_000 / 6, "{name}: only {coloured} of 14000 pixels are coloured");
    }
}

#[test]
fn a_card_is_as_high_as_asked() {
    for (roll, tilt) in [(0.0, [0.0, 0.0]), (0.08, [0.1, 0.0]), (-0.09, [-0.1, 0.1]), (0.03, [0.02, -0.1])] {
        let quad = Quad::new(&Attitude { height: 300.0, roll, tilt, distance: 1.5 });
        let [a, b, c, d] = quad.0;
        let mean = ((a[0] - d[0]).hypot(a[1] - d[1]) + (b[0] - c[0]).hypot(b[1] - c[1])) / 2.0;
        assert!((mean - 300.0).abs() < 0.5, "{mean}");
    }
}

#[test]
fn a_homography_and_its_inverse_meet() {
    let quad =
        Quad::new(&Attitude { height: 300.0, roll: 0.07, tilt: [0.1, -0.08], distance: 1.5 }).moved([320.0, 240.0]);
    let (forward, inverse) = (quad.forward([250.0, 350.0]), quad.inverse([250.0, 350.0]));
    for corner in [[0.0, 0.0], [250.0, 0.0], [250.0, 350.0], [0.0, 350.0], [100.0, 200.0]] {
        let [x, y] = inverse.apply(forward.apply(corner));
        assert!((x - corner[0]).abs() < 0.05 && (y - corner[1]).abs() < 0.05, "{corner:?} comes back as {x}, {y}");
    }
}

#[test]
fn a_stream_has_a_header_and_records() {
    let mut bytes = Vec::new();
    write_records(&mut DemoRenderer::new(4), Frames { count: 3, stride: DECORRELATED }, 32, &mut bytes).unwrap();
    let end = bytes.iter().position(|&byte| byte == b'\n').unwrap();
    let header: serde_json::Value = serde_json::from_slice(&bytes[..end]).unwrap();
    assert_eq!((&header["frames"], &header["edge"], &header["seed"]), (&3.into(), &32.into(), &4.into()));
    assert_eq!(header["labels"].as_array().unwrap().len(), 33);
    let records = &bytes[end + 1..];
    assert_eq!(records.len(), 3 * (4 + 32 * 32 * 3));
    let shown = DemoRenderer::new(4).render_shown(DECORRELATED, &mut vec![0; FRAME]);
    let second = &records[4 + 32 * 32 * 3..];
    assert_eq!((usize::from(second[0]), second[3]), (shown.label, shown.decoy as u8));
    assert!(write_records(&mut DemoRenderer::new(4), Frames { count: 1, stride: 1 }, 0, &mut Vec::new()).is_err());
}

#[test]
fn pictures_come_with_a_table() {
    let folder = tempfile::tempdir().unwrap();
    write_pictures(&mut DemoRenderer::new(4), Frames { count: 2, stride: 1 }, folder.path()).unwrap();
    let table = std::fs::read_to_string(folder.path().join("truth.csv")).unwrap();
    assert_eq!(table.lines().count(), 3);
    let picture = image::open(folder.path().join("00000001.png")).unwrap().into_rgb8();
    assert!(picture.into_raw() == frame(&mut DemoRenderer::new(4), 1).1);
}

#[test]
fn jpeg_loses_little_at_high_and_much_at_low_quality() {
    let (_, rgb) = frame(&mut DemoRenderer::new(9), 40);
    let loss = |quality: f32| {
        let mut canvas = Canvas { width: WIDTH as usize, height: HEIGHT as usize, rgb: rgb.clone() };
        compression::degrade(&mut canvas, quality);
        let sum: u64 = canvas.rgb.iter().zip(&rgb).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
        sum as f32 / FRAME as f32
    };
    let (high, low) = (loss(98.0), loss(8.0));
    assert!(high < 4.0 && low > 1.5 * high, "{high} at quality 98, {low} at quality 8");
}

#[test]
fn sines_are_sines() {
    for i in -100..100 {
        let turns = i as f32 * 0.037;
        let exact = (turns * std::f32::consts::TAU).sin();
        assert!((dice::sin(turns) - exact).abs() < 0.002, "sine of {turns} turns");
    }
}

/// A folder with a red and a blue photograph.
fn two_photographs() -> (tempfile::TempDir, Photographs) {
    let folder = tempfile::tempdir().unwrap();
    for (name, colour) in [("a.png", [250, 10, 10]), ("b.png", [10, 10, 250])] {
        image::RgbImage::from_pixel(20, 16, image::Rgb(colour)).save(folder.path().join(name)).unwrap();
    }
    std::fs::write(folder.path().join("notes.txt"), "no picture").unwrap();
    let photographs = Photographs::read(folder.path()).unwrap();
    (folder, photographs)
}

#[test]
fn a_wide_film_shows_the_same_shots_from_afar_at_any_turn_and_our_frame_around_others() {
    let (_folder, photographs) = two_photographs();
    let mut film = DemoRenderer::wide(12, photographs);
    let mut rgb = vec![0; FRAME];
    let (mut small, mut turns, mut ours, mut cards, mut replaced) = (0, [0; 4], 0, 0, 0);
    for record in 0..250 {
        let index = record * DECORRELATED;
        let subject = locate(12, index).0.subject;
        let shown = film.render_shown(index, &mut rgb);
        ours += usize::from(shown.decoy == Decoy::OurFrame);
        match subject {
            Subject::Card(card) if shown.label == card => {
                cards += 1;
                small += usize::from(shown.size < 0.40);
                turns[((shown.roll + 180.0) / 90.0).clamp(0.0, 3.0) as usize] += 1;
                assert!((0.25..0.96).contains(&shown.size), "{}", shown.size);
            }
            Subject::Card(_) => {
                replaced += 1;
                assert_eq!((shown.label, shown.size), (cards::COUNT, 0.0));
            }
            _ => assert_eq!(shown.label, cards::COUNT),
        }
    }
    assert!(small * 10 > cards * 2, "{small} of {cards} cards are far away");
    assert!(turns.iter().all(|&count| count * 8 > cards), "{turns:?} of {cards} cards in the four quarters");
    assert!(ours >= 20 && replaced >= 15, "{ours} times our frame, {replaced} cards replaced");
}

#[test]
fn a_wide_film_has_photographs_behind_the_cards() {
    let (_folder, photographs) = two_photographs();
    let mut rng = Rng::keyed(&[1]);
    let cut: Vec<_> = (0..20).map(|_| photographs.cut(&mut rng, 30, 40)).collect();
    assert!(cut.iter().all(|canvas| (canvas.width, canvas.height) == (30, 40)));
    let colours: BTreeSet<_> = cut.iter().map(|canvas| canvas.rgb[..3].to_vec()).collect();
    assert_eq!(colours, BTreeSet::from([vec![250, 10, 10], vec![10, 10, 250]]));
    assert!(cut.iter().all(|canvas| canvas.rgb.chunks_exact(3).all(|pixel| *pixel == canvas.rgb[..3])));
}

#[test]
fn photographs_are_not_read_from_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let error = |path: &Path| Photographs::read(path).err().unwrap().to_string();
    assert!(error(folder.path()).contains("holds no picture"));
    assert!(error(&folder.path().join("missing")).contains("does not exist"));
    std::fs::write(folder.path().join("broken.png"), "no PNG").unwrap();
    assert!(error(folder.path()).contains("broken.png"));
}

#[test]
fn prints_are_grey_without_colourfulness_and_pale_with_little_ink() {
    let quad = Quad([[0.0, 0.0], [100.0, 0.0], [100.0, 140.0], [0.0, 140.0]]);
    let printed = |saturation: i32, ink: [i32; 3]| {
        let mut canvas = Canvas::new(100, 140);
        let face = cards::Face::draw(2);
        face.at(140.0).lay(&mut canvas, &quad, &texture::Tint { gain: [256; 3], saturation, ink });
        canvas.rgb
    };
    let (full, grey, pale) = (printed(256, [256; 3]), printed(0, [256; 3]), printed(256, [128; 3]));
    let inside = |rgb: &[u8]| rgb[(70 * 100 + 20) * 3..(70 * 100 + 80) * 3].to_vec();
    assert!(inside(&full).as_chunks::<3>().0.iter().any(|[red, _, blue]| red.abs_diff(*blue) > 80));
    assert!(inside(&grey).as_chunks::<3>().0.iter().all(|[red, green, blue]| red == green && green == blue));
    for (full, pale) in inside(&full).iter().zip(inside(&pale)) {
        assert!(pale.abs_diff(255 - (255 - full) / 2) < 2, "{full} becomes {pale}");
    }
}
