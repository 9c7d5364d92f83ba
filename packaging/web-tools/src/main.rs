//! `ernscope-web-tools MODULE.wasm PAGE MODELS ICON.svg OUT`: makes of a module for browsers the plain files that a server serves.
//!
//! - `ernscope.js` and `ernscope_bg.wasm`, the module with what calls it, by wasm-bindgen;
//! - the page, of the folder PAGE, with the list of all files in it where it says `__FILES__`;
//! - the networks of MODELS in `networks/`, the icon as the sizes that a telephone asks for.
//!
//! The list has every file's length and SHA-256, and one name for the whole: what is loaded together belongs together.

use anyhow::{Context, Result, bail, ensure};
use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use wasm_bindgen_cli_support::Bindgen;

/// Where the page's scripts want the list of files.
const LIST: &str = "__FILES__";
/// Where they want the name of the whole.
const VERSION: &str = "__VERSION__";

/// The icon's ground, for icons whose corners are cut by whoever shows them.
const GROUND: &str = "#0e1115";

fn main() -> Result<()> {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [module, page, models, icon, out] = &arguments[..] else {
        bail!("usage: ernscope-web-tools MODULE.wasm PAGE MODELS ICON.svg OUT");
    };
    if out.exists() {
        fs::remove_dir_all(out).with_context(|| format!("{} cannot be made anew", out.display()))?;
    }
    fs::create_dir_all(out.join("networks"))?;

    Bindgen::new()
        .input_path(module)
        .out_name("ernscope")
        .typescript(false)
        .web(true)?
        .generate(out)
        .with_context(|| format!("wasm-bindgen refuses {}", module.display()))?;
    networks(models, &out.join("networks"))?;
    icons(icon, out)?;
    self::page(page, out)
}

/// Copies the networks that are not inside the module. A bank is what teaching compares with, and no network.
fn networks(models: &Path, out: &Path) -> Result<()> {
    for file in files(models)? {
        let name = file.to_string_lossy();
        let is_inside = name.starts_with("cards");
        if name.ends_with(".safetensors") && !is_inside && !name.contains(".bank.") && !name.contains('/') {
            fs::copy(models.join(&file), out.join(&file)).with_context(|| file.display().to_string())?;
        }
    }
    Ok(())
}

/// Draws the icon: as it is, and on a ground without corners and with a margin, as a telephone cuts it (its circle's diameter is
/// 80 % of the edge).
fn icons(icon: &Path, out: &Path) -> Result<()> {
    let text = fs::read_to_string(icon).with_context(|| icon.display().to_string())?;
    fs::write(out.join("icon.svg"), &text)?;
    let whole = usvg::Tree::from_str(&text, &usvg::Options::default())?;
    let inner = text.split_once('>').context("the icon is no SVG")?.1;
    let cut = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 160 160" width="160" height="160">
            <rect width="160" height="160" fill="{GROUND}"/><g transform="translate(16 16)">{}</g></svg>"#,
        inner.rsplit_once("</svg>").context("the icon is no SVG")?.0
    );
    // The tile's own edge would be a frame within the frame.
    let cut = usvg::Tree::from_str(&cut.replace("stroke=\"#242b34\"", "stroke=\"none\""), &usvg::Options::default())?;
    for (tree, edge, name) in [
        (&whole, 192, "icon-192.png"),
        (&whole, 512, "icon-512.png"),
        (&cut, 192, "icon-maskable-192.png"),
        (&cut, 512, "icon-maskable-512.png"),
    ] {
        let mut pixels = Pixmap::new(edge, edge).context("a picture")?;
        let scale = edge as f32 / tree.size().width();
        resvg::render(tree, Transform::from_scale(scale, scale), &mut pixels.as_mut());
        pixels.save_png(out.join(name)).with_context(|| name.to_owned())?;
    }
    Ok(())
}

/// The page, last: its scripts know all other files, the service worker knows the scripts too.
fn page(page: &Path, out: &Path) -> Result<()> {
    let mut texts: BTreeMap<PathBuf, String> = BTreeMap::new();
    for file in files(page)? {
        let text = fs::read_to_string(page.join(&file)).with_context(|| file.display().to_string())?;
        texts.insert(file, text);
    }
    let worker = Path::new("sw.js");
    ensure!(texts.contains_key(worker), "{} has no sw.js", page.display());
    let mut list = list_of(out)?;
    let others = texts.keys().filter(|file| *file != worker).cloned().collect::<Vec<_>>();
    // One name for all that is there, the page's own texts as they were written.
    let mut whole = Sha256::new();
    whole.update(json(&list));
    texts.iter().for_each(|(file, text)| {
        whole.update(file.to_string_lossy().as_bytes());
        whole.update(text);
    });
    let version = hex(&whole.finalize())[..16].to_owned();
    for file in others {
        let text = texts[&file].replace(VERSION, &version).replace(LIST, &json(&list));
        fs::write(out.join(file), text)?;
    }
    list = list_of(out)?;
    let text = texts[worker].replace(VERSION, &version).replace(LIST, &json(&list));
    fs::write(out.join(worker), text)?;
    println!("{version}");
    Ok(())
}

/// Length and SHA-256 of every file below `folder`.
fn list_of(folder: &Path) -> Result<BTreeMap<PathBuf, (usize, String)>> {
    files(folder)?
        .into_iter()
        .map(|file| {
            let bytes = fs::read(folder.join(&file)).with_context(|| file.display().to_string())?;
            let sum = hex(&Sha256::digest(&bytes));
            Ok((file, (bytes.len(), sum)))
        })
        .collect()
}

/// `{"name":[length,"sum"],…}`. Names are ours: no quotes in them.
fn json(list: &BTreeMap<PathBuf, (usize, String)>) -> String {
    let lines = list.iter().map(|(file, (length, sum))| format!("\"{}\":[{length},\"{sum}\"]", file.display()));
    format!("{{{}}}", lines.collect::<Vec<_>>().join(","))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The files below a folder, by their paths there.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let entry = entry?;
        let name = PathBuf::from(entry.file_name());
        if entry.file_type()?.is_dir() {
            // The trainer lies beside the networks, and is none.
            if name.as_os_str() != OsStr::new("train") {
                all.extend(files(&entry.path())?.into_iter().map(|below| name.join(below)));
            }
        } else {
            all.push(name);
        }
    }
    Ok(all)
}
