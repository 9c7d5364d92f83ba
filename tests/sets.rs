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

/// Twelve pictures a class, of one colour each with some noise that follows from their number.
fn colours(classes: &[(&str, [u8; 3])]) -> Folder {
    let folder = Folder::new();
    for (name, colour) in classes {
        fs::create_dir_all(folder.path().join(name)).expect("made");
        for number in 0..12_usize {
            let byte = |at: usize| colour[at % 3].saturating_add(((at * 31 + number * 17) % 40) as u8);
            let pixels: Vec<u8> = (0..64 * 64 * 3).map(byte).collect();
            let path = folder.path().join(name).join(format!("{number:02}.png"));
            image::save_buffer(path, &pixels, 64, 64, image::ColorType::Rgb8).expect("written");
        }
    }
    folder
}

const COLOURS: [(&str, [u8; 3]); 3] = [("red", [200, 20, 20]), ("green", [20, 180, 30]), ("nothing", [90, 90, 90])];

/// Runs `teach` on a folder with more arguments: exit status, the document on stdout, stderr.
fn teach(data: &Path, output: &Path, more: &[&str]) -> (i32, Option<Value>, String) {
    let [data, output] = [data, output].map(|path| path.to_str().expect("UTF-8"));
    let ran = ernscope(&[&["teach", "--json", "--data", data, "-o", output], more].concat());
    let stderr = text(&ran.stderr);
    assert!(!stderr.contains("panicked"), "{stderr}");
    let document = text(&ran.stdout).lines().next().map(|line| serde_json::from_str(line).expect("JSON"));
    (ran.status.code().expect("no signal"), document, stderr)
}

#[test]
fn what_is_taught_from_folders_is_a_network_for_every_command() {
    let set = colours(&COLOURS);
    let folder = Folder::new();
    let file = folder.path().join("taught.safetensors");
    let (status, document, stderr) = teach(set.path(), &file, &["--frames", "5", "--seed", "3"]);
    let document = document.unwrap_or_else(|| panic!("no result: {stderr}"));
    assert_eq!(status, 0, "{stderr}");
    assert_eq!((&document["classes"], &document["frames"]), (&3.into(), &15.into()), "{document}");
    assert_eq!(document["bytes"].as_u64(), fs::metadata(&file).ok().map(|there| there.len()));
    for key in ["cross_validated", "layer", "filters", "learn_ms"] {
        assert!(!document[key].is_null(), "{key}: {document}");
    }
    let model = file.to_str().expect("UTF-8");
    let data = set.path().to_str().expect("UTF-8");
    let evaluated = ernscope(&["eval", "--json", "--data", data, "--model", model]);
    let evaluated: Value = serde_json::from_slice(&evaluated.stdout).expect("JSON");
    assert_eq!((&evaluated["images"], &evaluated["top1"]), (&36.into(), &1.0.into()), "{evaluated}");
    let picture = set.path().join("red").join("07.png");
    let picture = picture.to_str().expect("UTF-8");
    let classified: Value =
        serde_json::from_slice(&ernscope(&["classify", "--json", "--model", model, picture]).stdout).expect("JSON");
    assert_eq!((&classified["top"][0]["label"], &classified["sure"]), (&"red".into(), &true.into()), "{classified}");
    for engine in ["reference,cpu:scalar", "reference,cpu"] {
        let same = ernscope(&["diff", "--engines", engine, "--model", model, picture]);
        assert!(same.status.success(), "{engine}: {}", text(&same.stdout));
    }
}

#[test]
fn taught_networks_are_taught_on_and_brought_together() {
    let folder = Folder::new();
    let [first, second, third] = ["one", "two", "both"].map(|name| folder.path().join(format!("{name}.safetensors")));
    let layer = |document: Option<Value>| document.expect("taught")["layer"].clone();
    let one = layer(teach(colours(&[COLOURS[0], COLOURS[2]]).path(), &first, &[]).1);
    let two = layer(teach(colours(&[("blue", [20, 30, 200]), COLOURS[2]]).path(), &second, &[]).1);
    assert_eq!(one, two);
    let [one, two, both] = [&first, &second, &third].map(|path| path.to_str().expect("UTF-8"));
    let merged = ernscope(&["teach", "--json", "--model", one, "--merge", two, "-o", both]);
    let merged: Value = serde_json::from_slice(&merged.stdout).unwrap_or_else(|_| panic!("{}", text(&merged.stderr)));
    assert_eq!((&merged["classes"], &merged["frames"]), (&3.into(), &48.into()));
    let more = colours(&[("red", [200, 20, 20]), ("yellow", [210, 210, 10])]);
    let (status, document, stderr) = teach(more.path(), &third, &["--model", both]);
    assert_eq!((status, &document.expect("taught")["classes"]), (0, &4.into()), "{stderr}");
    let all = colours(&[COLOURS[0], COLOURS[2], ("blue", [20, 30, 200]), ("yellow", [210, 210, 10])]);
    let evaluated = ernscope(&["eval", "--json", "--data", all.path().to_str().expect("UTF-8"), "--model", both]);
    let evaluated: Value = serde_json::from_slice(&evaluated.stdout).expect("JSON");
    assert_eq!(evaluated["top1"], 1.0, "{evaluated}");
    let cards = ernscope(&["teach", "--model", "cards", "--merge", one, "-o", both]);
    assert!(!cards.status.success() && text(&cards.stderr).contains("other eyes"), "{}", text(&cards.stderr));
}

#[test]
fn what_cannot_be_taught_is_refused_in_a_sentence() {
    let folder = Folder::new();
    let file = folder.path().join("taught.safetensors");
    let one = colours(&COLOURS[..1]);
    let alike = colours(&[("one", [9, 9, 9])]);
    fs::create_dir(alike.path().join("two")).expect("made");
    for number in 0..3 {
        for name in ["one", "two"] {
            picture(&alike.path().join(name).join(format!("{number}.png")), 0);
        }
    }
    (3..12).chain([0, 1, 2]).for_each(|number| {
        let _ = fs::remove_file(alike.path().join("one").join(format!("{number:02}.png")));
    });
    let empty = Folder::new();
    let two = colours(&COLOURS[..2]);
    let refused: [(&Path, &Path, &[&str], &str); 6] = [
        (one.path(), &file, &[], "only `red` was shown"),
        (empty.path(), &file, &[], "holds no pictures"),
        (alike.path(), &file, &[], "cannot be told apart"),
        (two.path(), folder.path(), &[], "is a folder"),
        (two.path(), Path::new("/no/such/folder/x.safetensors"), &[], "is no folder"),
        (two.path(), &file, &["--model", "cards-that-are-not"], "cards-that-are-not"),
    ];
    for (data, output, more, words) in refused {
        let (status, document, stderr) = teach(data, output, more);
        assert!(status == 1 && document.is_none() && stderr.lines().count() == 1, "{words}: {status}, {stderr}");
        assert!(stderr.contains(words), "{words}: {stderr}");
        assert!(!file.exists(), "{words}");
    }
    let taken = colours(&[("stopwatch", [3, 90, 40]), COLOURS[0]]);
    let (status, _, stderr) = teach(taken.path(), &file, &["--keep-classes"]);
    assert!(status == 1 && stderr.contains("`stopwatch` already"), "{stderr}");
}

#[test]
fn foreign_pictures_are_counted_beside_the_set() {
    let labels = card_labels();
    let set = set(&[&labels[0]]);
    let foreign = colours(&COLOURS);
    let [data, strange] = [&set, &foreign].map(|folder| folder.path().to_str().expect("UTF-8"));
    let output = ernscope(&["eval", "--json", "--data", data, "--foreign", strange, "--model", "cards"]);
    // No picture of the set is recognised: nothing can be said of how sure the network is of those.
    assert!(output.stdout.is_empty() && text(&output.stderr).contains("no picture was recognised"), "{output:?}");
    let nothing = self::set(&["nothing"]);
    let data = nothing.path().to_str().expect("UTF-8");
    let output = ernscope(&["eval", "--json", "--data", data, "--foreign", strange, "--model", "cards"]);
    let document: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
    assert_eq!(document["foreign_images"], 36, "{document}");
    for key in ["auroc", "foreign_named", "right_kept"] {
        assert!(document[key].as_f64().is_some_and(|share| (0.0..=1.0).contains(&share)), "{key}: {document}");
    }
    let output = ernscope(&["eval", "--json", "--data", data, "--foreign", "/no/such/folder"]);
    assert!(output.stdout.is_empty() && text(&output.stderr).contains("/no/such/folder"), "{output:?}");
}
