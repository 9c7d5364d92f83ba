//! The shipped networks for photographs on the pictures that they were never trained on: the counts that their files claim.

use ernscope::network::shipped::{ModelChoice, SHIPPED};
use image::ImageReader;
use safetensors::SafeTensors;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Pixels of a side of a picture of CIFAR.
const TILE: usize = 32;

/// The folder of the sets; `None`, and a line that says so, where it is not there.
fn sets() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    if !folder.is_dir() {
        println!("skipped: {} is not there", folder.display());
        return None;
    }
    Some(folder)
}

/// How many pictures of `data` the program says that `model` gets right.
fn counted(model: &str, data: &Path) -> u64 {
    let output = Command::new(env!("CARGO_BIN_EXE_ernscope"))
        .args(["eval", "--json", "--model", model, "--data"])
        .arg(data)
        .output()
        .expect("ernscope runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let document: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    document["top1_count"].as_u64().expect("a count")
}

/// The shipped networks of a family.
fn shipped(family: &str) -> Vec<&'static str> {
    let names: Vec<&str> = SHIPPED.iter().map(|shipped| shipped.name).filter(|name| name.starts_with(family)).collect();
    assert!(!names.is_empty(), "no network of {family}");
    names
}

/// How many the network's file says that the trainer counted.
fn claimed(model: &str) -> u64 {
    let choice: ModelChoice = model.parse().unwrap_or_else(|never| match never {});
    let network = choice.load().expect("a shipped network");
    network.training()["measured"]["top1_count"].as_u64().expect("a count")
}

/// CIFAR's test.bin, of the sheets that the set is kept in: a coarse label, which nobody reads, a fine one, and the planes.
fn cifar_file(sets: &Path) -> Vec<u8> {
    let about: Value = serde_json::from_slice(&fs::read(sets.join("cifar100.json")).expect("there")).expect("JSON");
    let labels = about["test"]["labels"].as_array().expect("labels");
    let grid = about["grid"].as_u64().expect("a number") as usize;
    let mut file = Vec::new();
    for (sheet, labels) in labels.chunks(grid * grid).enumerate() {
        let path = sets.join(format!("cifar100-test-{sheet:02}.webp"));
        let pixels = ImageReader::open(path).expect("there").decode().expect("a picture").into_rgb8();
        for (place, label) in labels.iter().enumerate() {
            file.extend([0, label.as_u64().expect("a class") as u8]);
            let (x, y) = (place % grid * TILE, place / grid * TILE);
            let inside = (0..3).flat_map(|colour| (0..TILE * TILE).map(move |i| (colour, i % TILE, i / TILE)));
            file.extend(inside.map(|(colour, dx, dy)| pixels.get_pixel((x + dx) as u32, (y + dy) as u32)[colour]));
        }
    }
    file
}

#[test]
fn the_test_pictures_of_cifar_are_counted_as_the_trainer_counts() {
    let Some(sets) = sets() else { return };
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("test.bin"), cifar_file(&sets)).expect("written");
    for model in shipped("cifar100") {
        assert_eq!(counted(model, folder.path()), claimed(model), "{model}");
    }
}

/// A tensor's values of eight bytes each.
fn integers(set: &SafeTensors, name: &str) -> Vec<i64> {
    let tensor = set.tensor(name).expect("a tensor");
    tensor.data().chunks_exact(8).map(|bytes| i64::from_le_bytes(bytes.try_into().expect("eight bytes"))).collect()
}

/// Writes the validation pictures of Tiny-ImageNet's half, as they are, into a folder a class.
fn write_objects(sets: &Path, folder: &Path) -> usize {
    let file = fs::read(sets.join("tiny-imagenet-a.safetensors")).expect("there");
    let set = SafeTensors::deserialize(&file).expect("safetensors");
    let (_, header) = SafeTensors::read_metadata(&file).expect("a header");
    let classes: Vec<String> =
        serde_json::from_str(&header.metadata().as_ref().expect("metadata")["classes"]).expect("names");
    for class in &classes {
        fs::create_dir(folder.join(class)).expect("a folder");
    }
    let (labels, offsets) = (integers(&set, "val.labels"), integers(&set, "val.offsets"));
    let bytes = set.tensor("val.bytes").expect("pictures");
    for (number, (label, ends)) in labels.iter().zip(offsets.windows(2)).enumerate() {
        let path = folder.join(&classes[*label as usize]).join(format!("{number:05}.jpg"));
        fs::write(path, &bytes.data()[ends[0] as usize..ends[1] as usize]).expect("written");
    }
    labels.len()
}

/// The trainer counted on pixels that another JPEG decoder made: they differ by up to 4, by 0.3 in the mean, which moves answers
/// that were close, either way.
#[test]
fn objects_are_counted_as_the_trainer_counts_but_for_the_decoder() {
    let Some(sets) = sets() else { return };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let pictures = write_objects(&sets, folder.path()) as u64;
    for model in shipped("objects") {
        let (found, claimed) = (counted(model, folder.path()), claimed(model));
        assert!(found.abs_diff(claimed) <= pictures / 50, "{model}: {found} of {pictures}, claimed {claimed}");
    }
}
