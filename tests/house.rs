//! The house keeps its own rules: one word means one thing, nobody imports whoever imports him, little is public, unsafe functions say
//! what they ask for, and no crate that works on pixels is built slowly unseen.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The sources of the library, each with its text, but for what only fuzzers and tests call.
fn sources() -> BTreeMap<PathBuf, String> {
    fn collect(folder: &Path, into: &mut BTreeMap<PathBuf, String>) {
        for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("readable").path()) {
            if entry.is_dir() {
                collect(&entry, into);
            } else if entry.extension().is_some_and(|ending| ending == "rs") {
                let text = fs::read_to_string(&entry).expect("text");
                into.insert(entry, text);
            }
        }
    }
    let mut all = BTreeMap::new();
    collect(&Path::new(ROOT).join("src"), &mut all);
    all.retain(|path, _| !path.to_string_lossy().contains("fuzzing") && !path.ends_with("tests.rs"));
    // Modules of tests stand last in their files.
    all.values_mut().for_each(|text| text.truncate(text.find("\n#[cfg(test)]\nmod tests {").unwrap_or(text.len())));
    all
}

/// The name behind one of the words that begin an item, where the line does.
fn item<'a>(line: &'a str, kinds: &[&str]) -> Option<&'a str> {
    let line = line.strip_prefix("pub(crate) ").or(line.strip_prefix("pub(super) ")).unwrap_or(line);
    let line = line.strip_prefix("pub ").unwrap_or(line);
    let (kind, rest) = line.split_once(' ')?;
    kinds.contains(&kind).then(|| rest.split(|c: char| !c.is_alphanumeric() && c != '_').next()).flatten()
}

/// Whether a file is the page's side of a seam: what it has bears the names of the other side.
fn is_of_the_page(path: &Path) -> bool {
    path.iter().any(|part| ["page", "page.rs", "no_v4l2.rs"].iter().any(|name| part == *name))
}

#[test]
fn no_two_types_share_a_name() {
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (path, text) in sources().into_iter().filter(|(path, _)| !is_of_the_page(path)) {
        for name in text.lines().filter_map(|line| item(line, &["struct", "enum", "trait", "type"])) {
            places.entry(name.to_owned()).or_default().push(path.display().to_string());
        }
    }
    assert!(places.len() > 200, "{} types", places.len());
    let twice: Vec<_> = places.iter().filter(|(_, places)| places.len() > 1).collect();
    assert!(twice.is_empty(), "{twice:#?}");
}

#[test]
fn at_most_250_items_are_public() {
    const KINDS: [&str; 8] = ["fn ", "const fn ", "struct ", "enum ", "trait ", "const ", "static ", "type "];
    let is_public = |line: &&str| {
        line.trim_start().strip_prefix("pub ").is_some_and(|item| KINDS.iter().any(|kind| item.starts_with(kind)))
    };
    let others = sources().into_iter().filter(|(path, _)| !is_of_the_page(path));
    let count: usize = others.map(|(_, text)| text.lines().filter(is_public).count()).sum();
    assert!((100..=250).contains(&count), "{count} public items");
}

/// Every unsafe function says what its caller owes; those of a trait say it once, in the trait.
#[test]
fn unsafe_functions_say_what_they_ask_for() {
    let mut asked = 0;
    for (path, text) in sources() {
        let lines: Vec<&str> = text.lines().collect();
        let mut of_a_trait = false;
        for (at, line) in lines.iter().enumerate() {
            match line {
                line if line.starts_with("impl") => of_a_trait = line.contains(" for "),
                line if line.starts_with("macro_rules!") => of_a_trait = true,
                line if line.starts_with('}') => of_a_trait = false,
                _ => {}
            }
            if of_a_trait || !line.trim_start().trim_start_matches("pub(super) ").starts_with("unsafe fn") {
                continue;
            }
            asked += 1;
            let above = lines[..at].iter().rev().take_while(|line| line.trim_start().starts_with(['/', '#']));
            let says = above.into_iter().any(|line| line.trim_start() == "/// # Safety");
            assert!(says, "{}:{} does not say what it asks for", path.display(), at + 1);
        }
    }
    assert!(asked > 40, "{asked} functions");
}

/// The file of a module, and the module of a file, as paths below `src`.
fn file_of(module: &[String]) -> Option<PathBuf> {
    let path = Path::new(ROOT).join("src").join(module.join("/"));
    let files = if module.is_empty() {
        [path.join("lib.rs"), path.clone()]
    } else {
        [path.with_extension("rs"), path.join("mod.rs")]
    };
    files.into_iter().find(|file| file.is_file())
}

fn module_of(file: &Path) -> Vec<String> {
    let below = file.strip_prefix(Path::new(ROOT).join("src")).expect("a source").with_extension("");
    let mut module: Vec<String> = below.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    module.pop_if(|last| ["mod", "lib", "main"].contains(&last.as_str()));
    module
}

/// The paths that a `use` names, one by one.
fn paths(before: &[String], tree: &str, into: &mut Vec<Vec<String>>) {
    let (head, group) = tree.trim().split_once('{').map_or((tree.trim(), None), |(head, group)| (head, Some(group)));
    let parts =
        head.split(" as ").next().unwrap_or_default().split("::").map(str::trim).filter(|part| !part.is_empty());
    let path: Vec<String> = before.iter().cloned().chain(parts.map(str::to_owned)).collect();
    let Some(group) = group else { return into.push(path) };
    let (mut depth, mut start) = (0, 0);
    let inside = &group[..group.rfind('}').unwrap_or(group.len())];
    for (at, c) in inside.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                paths(&path, &inside[start..at], into);
                start = at + 1;
            }
            _ => {}
        }
    }
    if !inside[start..].trim().is_empty() {
        paths(&path, &inside[start..], into);
    }
}

/// The files that a file imports from.
fn imports(file: &Path, text: &str) -> BTreeSet<PathBuf> {
    let code: String = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    let mut named = Vec::new();
    for tree in code.split("use ").skip(1).filter_map(|rest| rest.split_once(';')) {
        paths(&[], tree.0, &mut named);
    }
    let own = module_of(file);
    let whole = named.into_iter().filter_map(|mut path| match path[0].clone().as_str() {
        "crate" => Some(path.split_off(1)),
        "self" => Some([own.clone(), path.split_off(1)].concat()),
        "super" => {
            let ups = path.iter().take_while(|part| *part == "super").count();
            Some([own[..own.len() - ups].to_vec(), path.split_off(ups)].concat())
        }
        // A module below this one.
        child if file_of(&[own.as_slice(), &[child.to_owned()]].concat()).is_some() => {
            Some([own.clone(), path].concat())
        }
        _ => None,
    });
    let deepest = |path: Vec<String>| (0..=path.len()).rev().find_map(|length| file_of(&path[..length]));
    whole.filter_map(deepest).filter(|found| found != file).collect()
}

#[test]
fn no_two_files_import_each_other() {
    let all: BTreeMap<PathBuf, BTreeSet<PathBuf>> =
        sources().into_iter().map(|(file, text)| (file.clone(), imports(&file, &text))).collect();
    assert!(all.values().map(BTreeSet::len).sum::<usize>() > 500, "imports are seen");
    let mutual = |(file, to): (&PathBuf, &BTreeSet<PathBuf>)| {
        to.iter()
            .filter(|to| all.get(*to).is_some_and(|back| back.contains(file)))
            .map(|to| (file.clone(), to.clone()))
            .collect::<Vec<_>>()
    };
    let pairs: Vec<_> = all.iter().flat_map(mutual).collect();
    assert!(pairs.is_empty(), "{pairs:#?}");
}

/// What decodes, resamples, draws or checks bytes, frame by frame.
const PIXEL_CRATES: [&str; 8] =
    ["crc32fast", "fast_image_resize", "image", "imageproc", "jpeg-decoder", "nalgebra", "resvg", "zip"];

/// What these need and yet does no such work itself: generic code that is compiled into its users, tables, or what runs once.
const NO_LOOPS: &[&str] = &[
    "adler2",
    "approx",
    "arrayref",
    "arrayvec",
    "bitflags",
    "bytemuck",
    "bytemuck_derive",
    "byteorder-lite",
    "cfg-if",
    "chacha20",
    "constant_time_eq",
    "cpufeatures",
    "data-url",
    "document-features",
    "either",
    "equivalent",
    "flate2",
    "float-cmp",
    "foldhash",
    "getrandom",
    "hashbrown",
    "imagesize",
    "indexmap",
    "itertools",
    "kurbo",
    "libc",
    "libm",
    "litrs",
    "log",
    "memchr",
    "moxcms",
    "num",
    "num-complex",
    "num-integer",
    "num-iter",
    "num-rational",
    "num-traits",
    "pico-args",
    "polycool",
    "proc-macro2",
    "pxfm",
    "quick-error",
    "quote",
    "rand",
    "rand_core",
    "rand_distr",
    "rawpointer",
    "rgb",
    "roxmltree",
    "safe_arch",
    "serde",
    "serde_core",
    "serde_derive",
    "simba",
    "simplecss",
    "siphasher",
    "smallvec",
    "strict-num",
    "svgtypes",
    "syn",
    "thiserror",
    "thiserror-impl",
    "typed-path",
    "typenum",
    "unicode-ident",
    "usvg",
    "wide",
    "zeroize",
    "zeroize_derive",
    "zip",
];

/// The crates that one is built of on this machine, itself included.
fn built_of(name: &str) -> BTreeSet<String> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args([
        "tree",
        "--locked",
        "--offline",
        "--edges",
        "normal",
        "--prefix",
        "none",
        "--format",
        "{p}",
        "--package",
        name,
    ]);
    let output = cargo.current_dir(ROOT).output().expect("cargo");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    text.lines().filter_map(|line| line.split(' ').next().map(str::to_owned)).filter(|name| !name.is_empty()).collect()
}

/// A new crate below one that works on pixels must be put into one of two lists: that of Cargo.toml, or the one above.
#[test]
fn no_crate_that_works_on_pixels_is_built_slowly_unseen() {
    let manifest = fs::read_to_string(Path::new(ROOT).join("Cargo.toml")).expect("a manifest");
    let profile =
        manifest.split_once("[profile.release.package]").expect("a profile").1.split("\n[").next().unwrap_or_default();
    let fast: BTreeSet<&str> = profile.lines().filter_map(|line| line.strip_suffix(" = { opt-level = 3 }")).collect();
    let needed: BTreeSet<String> = PIXEL_CRATES.into_iter().flat_map(built_of).collect();
    let sorted = |name: &&String| fast.contains(name.as_str()) || NO_LOOPS.contains(&name.as_str());
    let unsorted: Vec<_> = needed.iter().filter(|name| !sorted(name)).collect();
    assert!(
        unsorted.is_empty(),
        "build these with opt-level 3 in Cargo.toml, or say that they work on no pixels: {unsorted:?}"
    );
    let gone: Vec<_> = NO_LOOPS.iter().filter(|name| !needed.contains(**name)).collect();
    assert!(gone.is_empty(), "no longer needed: {gone:?}");
}
