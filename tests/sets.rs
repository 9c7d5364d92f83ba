//! Sets of pictures as people really have them: folders of other names, broken pictures, what systems leave beside them.

#[path = "common/folder.rs"]
mod folder;

use folder::Folder;
use serde_json::Value;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Output};

fn ernscope(arguments: &[&str]) -> Output {
    let program = env!("CARGO_BIN_EXE_ernscope");
    Command::new("timeout").args(["60", program]).args(arguments).output().expect("the binary runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A picture of one colour.
fn picture(path: &Path, shade: u8) {
    fs::create_dir_all(path.parent().expect("a folder")).expect("made");
    image::save_buffer(path, &[shade; 64 * 64 * 3], 64, 64, image::ColorType::Rgb8).expect("written");
}

/// A folder for each of these names, with two pictures in it.
fn set(names: &[&str]) -> Folder {
    let folder = Folder::new();
    for (i, name) in names.iter().enumerate() {
        for shade in [10, 200] {
            picture(&folder.path().join(name).join(format!("{shade}.png")), shade + i as u8);
        }
    }
    folder
}

/// What `eval` makes of a set: exit status, the document on stdout, stderr.
fn eval(folder: &Folder) -> (i32, Option<Value>, String) {
    let output = ernscope(&["eval", "--json", "--data", folder.path().to_str().expect("UTF-8")]);
    let stderr = text(&output.stderr);
    assert!(!stderr.contains("panicked"), "{stderr}");
    let document = text(&output.stdout).lines().next().map(|line| serde_json::from_str(line).expect("JSON"));
    (output.status.code().expect("no signal"), document, stderr)
}

fn evaluated(folder: &Folder) -> (i32, Value, String) {
    let (status, document, stderr) = eval(folder);
    (status, document.unwrap_or_else(|| panic!("no result: {stderr}")), stderr)
}

/// One line, exit status 1, no result.
fn refused(folder: &Folder, words: &[&str]) {
    let (status, document, stderr) = eval(folder);
    assert!(status == 1 && document.is_none() && stderr.lines().count() == 1, "{status}, {document:?}: {stderr}");
    assert!(words.iter().all(|word| stderr.contains(word)), "{words:?}: {stderr}");
}

fn card_labels() -> Vec<String> {
    ernscope::network::ModelChoice::Shipped("cards").load().expect("shipped").labels().to_vec()
}

#[test]
fn a_folder_that_is_called_otherwise_is_refused_by_its_name() {
    let labels = card_labels();
    let names: Vec<&str> = labels.iter().map(String::as_str).collect();
    // As many as there are labels, which must not make them go by their order.
    let folder = set(&names);
    fs::rename(folder.path().join("apple"), folder.path().join("aple")).expect("renamed");
    refused(&folder, &["`aple`", "33 classes"]);
    fs::rename(folder.path().join("aple"), folder.path().join("apple")).expect("renamed");
    let (status, document, stderr) = evaluated(&folder);
    assert_eq!((status, stderr.as_str(), &document["images"], &document["left_out"]), (0, "", &66.into(), &0.into()));
    assert_eq!(document["mapping"], "name");
    // A folder more, or one that holds folders.
    fs::create_dir(folder.path().join("masks")).expect("made");
    refused(&folder, &["`masks`"]);
    let outer = Folder::new();
    picture(&outer.path().join("val/apple/a.png"), 9);
    refused(&outer, &["holds no pictures"]);
    picture(&outer.path().join("val/a.png"), 9);
    refused(&outer, &["`val`"]);
}

#[test]
fn letter_case_is_of_no_matter() {
    let folder = Folder::new();
    let path = folder.path().to_str().expect("UTF-8");
    let rendered = ernscope(&["render", "--seed", "5", "--frames", "40", "--png", path]);
    assert!(rendered.status.success());
    let table = fs::read_to_string(folder.path().join("truth.csv")).expect("a table");
    let sets = [Folder::new(), Folder::new()];
    for line in table.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        for (set, class) in sets.iter().zip([cells[2].to_owned(), cells[2].to_uppercase()]) {
            fs::create_dir_all(set.path().join(&class)).expect("made");
            fs::copy(folder.path().join(cells[0]), set.path().join(class).join(cells[0])).expect("copied");
        }
    }
    let [(status, plain, _), (loud_status, loud, stderr)] = sets.each_ref().map(evaluated);
    assert_eq!((status, loud_status, stderr.as_str()), (0, 0, ""));
    assert!(plain["top1_count"].as_u64().expect("a number") > 30, "{plain}");
    for key in ["images", "top1", "top5", "top1_count", "left_out", "mapping"] {
        assert_eq!(plain[key], loud[key], "{key}");
    }
}

#[test]
fn classes_go_by_their_order_where_none_has_a_name_and_it_is_said() {
    let labels = card_labels();
    let numbers: Vec<String> = (0..labels.len()).map(|number| format!("{number:03}")).collect();
    let folder = set(&numbers.iter().map(String::as_str).collect::<Vec<_>>());
    let (status, document, stderr) = evaluated(&folder);
    assert_eq!((status, &document["mapping"], &document["images"]), (0, &"order".into(), &66.into()));
    assert!(stderr.lines().count() == 1 && stderr.contains("in their order"), "{stderr}");
    fs::remove_dir_all(folder.path().join("031")).expect("removed");
    refused(&folder, &["`000`", "32 classes, the network 33"]);
    // One that has a label's name, in whatever letters, and the others are mistakes.
    picture(&folder.path().join("Apple/a.png"), 1);
    refused(&folder, &["`000`"]);
}

#[test]
fn what_is_hidden_is_passed_over() {
    // Not all classes are there, which is no fault.
    let folder = set(&["apple", "nothing"]);
    for hidden in
        [".ipynb_checkpoints/10-checkpoint.png", "__MACOSX/apple/._10.png", ".git/a.png", "apple/.cache/a.png"]
    {
        picture(&folder.path().join(hidden), 3);
    }
    picture(&folder.path().join("apple/.ipynb_checkpoints/10-checkpoint.png"), 3);
    for name in
        ["apple/._10.png", "nothing/.hidden.jpg", ".DS_Store", "apple/.DS_Store", "README.txt", "apple/notes.txt"]
    {
        fs::write(folder.path().join(name), b"\0\x05\x16\x07").expect("written");
    }
    for link in [".link", "apple/notes"] {
        symlink("/gone", folder.path().join(link)).expect("linked");
    }
    let (status, document, stderr) = evaluated(&folder);
    assert_eq!((status, stderr.as_str(), &document["images"], &document["left_out"]), (0, "", &4.into(), &0.into()));
}

#[test]
fn what_cannot_be_read_is_left_out_counted_and_named() {
    let folder = set(&["apple", "nothing"]);
    let within = |name: &str| folder.path().join(name);
    let whole = fs::read(within("apple/10.png")).expect("written");
    let mut broken = vec!["apple/a_cut.png", "apple/b_empty.jpg", "apple/c_dead.png", "nothing/d_round.webp", "zebra"];
    fs::write(within(broken[0]), &whole[..whole.len() / 2]).expect("written");
    fs::write(within(broken[1]), b"").expect("written");
    symlink("/gone/picture.png", within(broken[2])).expect("linked");
    symlink("d_round.webp", within(broken[3])).expect("linked");
    // It may have been a class.
    symlink("/gone", within(broken[4])).expect("linked");
    broken.push("nothing/pipe.png");
    assert!(Command::new("mkfifo").arg(within("nothing/pipe.png")).status().expect("mkfifo runs").success());
    symlink("/dev/zero", within("nothing/endless.bmp")).expect("linked");
    broken.push("nothing/endless.bmp");

    let (status, document, stderr) = evaluated(&folder);
    assert_eq!((status, &document["images"], &document["left_out"]), (1, &4.into(), &broken.len().into()), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    let told =
        ["ernscope: 7 pictures are left out: apple/a_cut.png is damaged (", "; apple/b_empty.jpg is an empty file; "];
    assert!(told.iter().all(|words| stderr.contains(words)), "{stderr}");
    assert!(stderr.contains("apple/c_dead.png does not exist; …: get them again"), "{stderr}");

    // As text the result is there as well.
    let output = ernscope(&["eval", "--data", folder.path().to_str().expect("UTF-8")]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).contains("4 pictures") && text(&output.stdout).contains("top-1"));

    // Names and causes that are long leave room for three of them.
    let long = set(&["apple"]);
    for i in 0..3 {
        fs::write(long.path().join(format!("apple/{}{i}.png", "x".repeat(200))), &whole[..90]).expect("written");
    }
    let (_, _, stderr) = evaluated(&long);
    assert!((0..3).all(|i| stderr.contains(&format!("x{i}.png is "))) && stderr.len() < 600, "{stderr}");
}

#[test]
fn a_set_in_which_nothing_can_be_read_has_no_result() {
    let folder = Folder::new();
    fs::create_dir(folder.path().join("apple")).expect("made");
    folder.file("apple/a.png", b"");
    refused(&folder, &["no picture in", "apple/a.png is an empty file"]);
    fs::remove_file(folder.path().join("apple/a.png")).expect("removed");
    refused(&folder, &["holds no pictures"]);
}

/// `CLASS/images/*`, as Tiny-ImageNet has them.
#[test]
fn pictures_may_lie_in_a_folder_of_that_name() {
    let folder = set(&["apple/images", "nothing"]);
    fs::write(folder.path().join("apple/apple_boxes.txt"), "0 0 9 9").expect("written");
    // A link that leads back must not count anything twice.
    symlink(".", folder.path().join("nothing/images")).expect("linked");
    symlink("..", folder.path().join("apple/images/up")).expect("linked");
    let (status, document, stderr) = evaluated(&folder);
    assert_eq!((status, stderr.as_str(), &document["images"]), (0, "", &4.into()));
}

#[test]
fn a_class_without_pictures_is_named() {
    let folder = set(&["apple"]);
    fs::create_dir(folder.path().join("nothing")).expect("made");
    let (status, document, stderr) = evaluated(&folder);
    assert_eq!((status, &document["images"]), (0, &2.into()));
    assert!(stderr.lines().count() == 1 && stderr.contains("1 (`nothing`)"), "{stderr}");
}

#[test]
fn pictures_beside_the_folders_are_of_no_class() {
    let folder = set(&["apple"]);
    picture(&folder.path().join("preview.png"), 3);
    let (status, document, stderr) = evaluated(&folder);
    assert_eq!((status, &document["images"]), (0, &2.into()));
    assert!(stderr.lines().count() == 1 && stderr.contains("passed over: 1 picture beside the folders"), "{stderr}");
}

#[test]
fn classify_and_diff_go_on_behind_a_bad_picture() {
    let folder = set(&["a"]);
    let path = |name: &str| folder.path().join(name).to_str().expect("UTF-8").to_owned();
    let [first, none, bad, last] = ["a/10.png", "a/none.png", "a/bad.png", "a/200.png"].map(path);
    folder.file("a/bad.png", b"rubbish");
    let images = [&first, &none, &bad, &last].map(String::as_str);
    for command in [&["classify", "--json"][..], &["diff", "--engines", "cpu:scalar,reference"]] {
        let output = ernscope(&[command, &images].concat());
        let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
        assert_eq!((output.status.code(), stdout.lines().count()), (Some(1), 2), "{stdout}{stderr}");
        assert!(stdout.contains("10.png") && stdout.contains("200.png"), "{stdout}");
        let lines: Vec<&str> = stderr.lines().collect();
        assert!(lines.len() == 2 && lines.iter().all(|line| line.starts_with("ernscope: ")), "{stderr}");
        assert!(lines[0].contains("none.png does not exist") && lines[1].contains("bad.png is no picture"), "{stderr}");
        let output = ernscope(&[command, &[first.as_str(), last.as_str()]].concat());
        assert!(output.status.success() && output.stderr.is_empty());
    }
}
