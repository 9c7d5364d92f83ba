//! Labelled pictures on disk: a folder a class, or the binary files of CIFAR-10 and CIFAR-100.

use crate::host::{RegularFileError, files};
use crate::source::SourceError;
use crate::source::picture::{Picture, is_hidden, is_picture, read_picture};
use serde::Serialize;
use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use thiserror::Error;

/// The edge of a CIFAR picture in pixels.
const CIFAR_EDGE: usize = 32;
/// Bytes of a CIFAR picture.
const CIFAR_PIXELS: usize = CIFAR_EDGE * CIFAR_EDGE * 3;
/// As much is read of the list of a CIFAR set's classes; the longest has a kilobyte.
const MAX_LIST_BYTES: u64 = 1 << 20;

/// The test files of CIFAR: name, bytes of labels before each picture (the last one counts), names of the classes.
/// (Krizhevsky: Learning Multiple Layers of Features from Tiny Images, 2009; the "binary version".)
const CIFAR: [(&str, usize, &str); 2] =
    [("test.bin", 2, "fine_label_names.txt"), ("test_batch.bin", 1, "batches.meta.txt")];

/// Why a set cannot be used. Its text is one line with cause and remedy.
#[derive(Debug, Error)]
pub(crate) enum DatasetError {
    /// The system refuses a folder or a file.
    #[error("{path} cannot be read ({why}): name a folder with a folder a class, or with CIFAR's binary files")]
    Unreadable {
        /// Which.
        path: String,
        /// The system's words.
        why: RegularFileError,
    },
    /// The same, of a folder of which nobody says what its pictures show.
    #[error("{path} cannot be read ({why}): name a folder with PNG, JPEG, WebP or BMP files, directly or in folders")]
    NoFolder {
        /// Which.
        path: String,
        /// The system's words.
        why: RegularFileError,
    },
    /// No folder has a picture in it.
    #[error("{0} holds no pictures: it needs a folder a class with PNG, JPEG, WebP or BMP files, or CIFAR's test.bin")]
    Empty(String),
    /// No picture at all.
    #[error("{0} holds no pictures: name a folder with PNG, JPEG, WebP or BMP files, directly or in folders")]
    NoPictures(String),
    /// A class of the set is none of the network's.
    #[error(
        "{path} has a class `{class}` that is none of the network's labels (it has {found} classes, the network {known}): rename \
         its folder after a label, take it out of the set, or choose another network"
    )]
    Unknown {
        /// The set.
        path: String,
        /// Its class that is no label.
        class: String,
        /// Its classes.
        found: usize,
        /// The network's classes.
        known: usize,
    },
    /// A class of the set may be one or another of the network's.
    #[error(
        "{path} has a class `{class}` that may be `{one}` or `{other}`, both labels of the network: spell it as the one that is \
         meant, or choose another network"
    )]
    Ambiguous {
        /// The set.
        path: String,
        /// Its class.
        class: String,
        /// A label that it may be.
        one: String,
        /// Another one.
        other: String,
    },
    /// A CIFAR file that is none.
    #[error("{path} is no CIFAR file ({why}): get it again")]
    Cifar {
        /// The file.
        path: String,
        /// What is wrong with it.
        why: String,
    },
    /// A picture that cannot be read.
    #[error(transparent)]
    Picture(#[from] SourceError),
}

/// How a set's classes were found among the network's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Mapping {
    /// By their names.
    Name,
    /// By their order, the first one being the network's first: none of them bears a label's name.
    Order,
}

/// A set of labelled pictures, read one at a time, by several threads if need be.
pub(crate) struct Dataset {
    folder: PathBuf,
    pictures: Pictures,
    /// What the set's classes are in the network, by their number in the set.
    classes: Vec<usize>,
    mapping: Mapping,
}

enum Pictures {
    Files(Vec<PictureFile>),
    Cifar { path: PathBuf, file: Mutex<File>, labels: usize, count: usize },
}

struct PictureFile {
    path: PathBuf,
    /// The class's number; none of what leads nowhere and may have been a class.
    class: Option<usize>,
}

impl Dataset {
    /// Finds the pictures in `folder` for a network with `labels`. Classes go by their names, letter case ignored where no other
    /// label has that name; where none of them is a label and there are as many as labels, they go by their order, which is
    /// said in the log.
    ///
    /// # Errors
    /// [`DatasetError`], where there is no such set or its classes are others.
    pub(crate) fn open(folder: &Path, labels: &[String]) -> Result<Self, DatasetError> {
        let cifar = CIFAR.into_iter().find(|(name, ..)| folder.join(name).is_file());
        let mut remarks = Vec::new();
        let (pictures, names) = match cifar {
            Some(kind) => open_cifar(folder, kind, labels.len())?,
            None => {
                let (files, names) = find_files(folder, &mut remarks)?;
                (Pictures::Files(files), names)
            }
        };
        let (classes, mapping) = match_classes(folder, &names, labels)?;
        if mapping == Mapping::Order {
            remarks.push("the classes are taken in their order: none of them bears the name of a label".to_owned());
        }
        // Of a set that is refused, no more is said than why.
        remarks.iter().for_each(|remark| tracing::warn!("{remark}"));
        Ok(Self { folder: folder.to_owned(), pictures, classes, mapping })
    }

    /// How many pictures there are.
    pub(crate) fn len(&self) -> usize {
        match &self.pictures {
            Pictures::Files(files) => files.len(),
            Pictures::Cifar { count, .. } => *count,
        }
    }

    /// How its classes were found among the network's.
    pub(crate) fn mapping(&self) -> Mapping {
        self.mapping
    }

    /// What picture number `index` is called in the set.
    ///
    /// # Panics
    /// Where `index` is not below [`Dataset::len`].
    pub(crate) fn name(&self, index: usize) -> String {
        match &self.pictures {
            Pictures::Files(files) => {
                let path = &files[index].path;
                path.strip_prefix(&self.folder).unwrap_or(path).display().to_string()
            }
            Pictures::Cifar { .. } => format!("picture {index}"),
        }
    }

    /// Picture number `index` and its class in the network.
    ///
    /// # Errors
    /// [`DatasetError::Picture`] of a picture that cannot be read, any other where the set cannot.
    ///
    /// # Panics
    /// Where `index` is not below [`Dataset::len`].
    pub(crate) fn read(&self, index: usize) -> Result<(Picture, usize), DatasetError> {
        let (picture, class) = match &self.pictures {
            Pictures::Files(files) => {
                let PictureFile { path, class } = &files[index];
                let gone = || SourceError::NotFound { path: path.display().to_string() };
                let class = class.ok_or_else(gone)?;
                (read_picture(path)?, class)
            }
            Pictures::Cifar { path, file, labels, .. } => read_cifar(path, file, *labels, index)?,
        };
        let unknown = || {
            let why = format!("picture {index} is of class {class}, and there are {} classes", self.classes.len());
            DatasetError::Cifar { path: self.folder.display().to_string(), why }
        };
        Ok((picture, *self.classes.get(class).ok_or_else(unknown)?))
    }
}

/// A class of a set that is to be learned, whatever its name.
pub(crate) struct ClassFolder {
    /// The folder's name.
    pub(crate) name: String,
    /// Its pictures, in the order of names.
    pub(crate) pictures: Vec<PathBuf>,
}

impl ClassFolder {
    /// All classes in `folder` with a picture in them, in the order of names.
    ///
    /// # Errors
    /// [`DatasetError`], where the folder cannot be read or has no pictures in folders.
    pub(crate) fn all(folder: &Path) -> Result<Vec<Self>, DatasetError> {
        let mut remarks = Vec::new();
        let (files, names) = find_files(folder, &mut remarks)?;
        let mut classes: Vec<Self> = names.into_iter().map(|name| Self { name, pictures: Vec::new() }).collect();
        for PictureFile { path, class } in files {
            match class {
                Some(class) => classes[class].pictures.push(path),
                None => remarks.push(format!("passed over: {} leads nowhere", path.display())),
            }
        }
        remarks.iter().for_each(|remark| tracing::warn!("{remark}"));
        classes.retain(|class| !class.pictures.is_empty());
        Ok(classes)
    }
}

fn unreadable<E: Into<RegularFileError>>(path: &Path) -> impl FnOnce(E) -> DatasetError {
    let path = path.display().to_string();
    move |why| DatasetError::Unreadable { path, why: why.into() }
}

/// The pictures of a folder a class, and the classes' names, both in the order of names. What else there is to say of them goes to
/// `remarks`.
fn find_files(folder: &Path, remarks: &mut Vec<String>) -> Result<(Vec<PictureFile>, Vec<String>), DatasetError> {
    let mut names = Vec::new();
    let mut files = Vec::new();
    let (mut strays, mut empty) = (0, Vec::new());
    for Entry { path, kind } in listed(folder)? {
        match kind {
            SetKind::Folder => {
                let class = Some(names.len());
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                let pictures = pictures_of(&path)?;
                if pictures.is_empty() {
                    empty.push(format!("`{}`", name.escape_debug()));
                }
                files.extend(pictures.into_iter().map(|path| PictureFile { path, class }));
                names.push(name);
            }
            SetKind::DeadLink => files.push(PictureFile { path, class: None }),
            SetKind::Other => strays += usize::from(is_picture(&path)),
        }
    }
    if files.is_empty() {
        return Err(DatasetError::Empty(folder.display().to_string()));
    }
    if !empty.is_empty() {
        let (count, first) = (empty.len(), empty[..empty.len().min(3)].join(", "));
        remarks.push(format!("folders of classes without a picture in them: {count} ({first})"));
    }
    if strays > 0 {
        let pictures = if strays == 1 { "picture" } else { "pictures" };
        remarks.push(format!("passed over: {strays} {pictures} beside the folders, where nothing tells the class"));
    }
    Ok((files, names))
}

/// The pictures of a class, which lie in its folder or in one called `images` there (as in Tiny-ImageNet), and what may have
/// been some.
fn pictures_of(class: &Path) -> Result<Vec<PathBuf>, DatasetError> {
    let mut pictures = Vec::new();
    for entry in listed(class)? {
        if entry.is_picture() {
            pictures.push(entry.path);
        } else if entry.kind == SetKind::Folder && entry.path.ends_with("images") && !is_same(&entry.path, class) {
            pictures.extend(listed(&entry.path)?.into_iter().filter(Entry::is_picture).map(|entry| entry.path));
        }
    }
    Ok(pictures)
}

/// The pictures of `folder`, directly in it or in folders there, of which nobody says what they show.
///
/// # Errors
/// [`DatasetError`], where the folder cannot be read or has none.
pub(crate) fn unlabelled(folder: &Path) -> Result<Vec<PathBuf>, DatasetError> {
    let mut pictures = Vec::new();
    let entries = listed(folder).map_err(|error| match error {
        DatasetError::Unreadable { path, why } => DatasetError::NoFolder { path, why },
        other => other,
    })?;
    for entry in entries {
        if entry.is_picture() {
            pictures.push(entry.path);
        } else if entry.kind == SetKind::Folder {
            pictures.extend(pictures_of(&entry.path)?);
        }
    }
    if pictures.is_empty() {
        return Err(DatasetError::NoPictures(folder.display().to_string()));
    }
    Ok(pictures)
}

/// Whether both are one folder: a link may lead back.
fn is_same(one: &Path, other: &Path) -> bool {
    matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}

struct Entry {
    path: PathBuf,
    kind: SetKind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum SetKind {
    Folder,
    /// A link that leads nowhere, or in a circle.
    DeadLink,
    Other,
}

impl Entry {
    /// Whether it is to be read as a picture; one that cannot be is then counted as left out.
    fn is_picture(&self) -> bool {
        match self.kind {
            SetKind::Folder => false,
            SetKind::DeadLink | SetKind::Other => is_picture(&self.path),
        }
    }
}

/// What is in a folder, in the order of names, without what is hidden.
fn listed(folder: &Path) -> Result<Vec<Entry>, DatasetError> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable(folder))? {
        let entry = entry.map_err(unreadable(folder))?;
        if is_hidden(&entry.file_name()) {
            continue;
        }
        let path = entry.path();
        let kind = match entry.file_type() {
            Ok(kind) if !kind.is_symlink() => Ok(kind),
            _ => fs::metadata(&path).map(|metadata| metadata.file_type()),
        };
        let kind = match kind {
            Ok(kind) if kind.is_dir() => SetKind::Folder,
            Ok(_) => SetKind::Other,
            Err(_) => SetKind::DeadLink,
        };
        entries.push(Entry { path, kind });
    }
    entries.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(entries)
}

/// Opens a CIFAR file. Without its list of names the classes are as many as the network's.
fn open_cifar(
    folder: &Path,
    (name, labels, list): (&str, usize, &str),
    known: usize,
) -> Result<(Pictures, Vec<String>), DatasetError> {
    let path = folder.join(name);
    let file = files::open(&path).map_err(unreadable(&path))?;
    let bytes = file.metadata().map_err(unreadable(&path))?.len() as usize;
    let record = labels + CIFAR_PIXELS;
    if bytes == 0 || !bytes.is_multiple_of(record) {
        let why = format!("{bytes} bytes are no whole number of pictures of {record} bytes");
        return Err(DatasetError::Cifar { path: path.display().to_string(), why });
    }
    let list = folder.join(list);
    let names = match files::open(&list) {
        Ok(file) => {
            let mut text = String::new();
            file.take(MAX_LIST_BYTES).read_to_string(&mut text).map_err(unreadable(&list))?;
            text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
        }
        Err(RegularFileError::Io(error)) if error.kind() == io::ErrorKind::NotFound => {
            (0..known).map(|i| format!("class {i}")).collect()
        }
        Err(error) => return Err(unreadable(&list)(error)),
    };
    Ok((Pictures::Cifar { path, file: Mutex::new(file), labels, count: bytes / record }, names))
}

/// A record: labels, then a plane a colour.
fn read_cifar(path: &Path, file: &Mutex<File>, labels: usize, index: usize) -> Result<(Picture, usize), DatasetError> {
    let mut record = vec![0; labels + CIFAR_PIXELS];
    let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
    file.seek(SeekFrom::Start((index * record.len()) as u64)).map_err(unreadable(path))?;
    file.read_exact(&mut record).map_err(unreadable(path))?;
    drop(file);
    let (labels, planes) = record.split_at(labels);
    let area = CIFAR_EDGE * CIFAR_EDGE;
    let rgb: Vec<u8> = (0..area).flat_map(|i| [planes[i], planes[area + i], planes[2 * area + i]]).collect();
    let picture = Picture::new(CIFAR_EDGE as u32, CIFAR_EDGE as u32, rgb.into());
    Ok((picture, labels.last().copied().map_or(0, usize::from)))
}

/// The network's classes for those of a set.
fn match_classes(folder: &Path, names: &[String], labels: &[String]) -> Result<(Vec<usize>, Mapping), DatasetError> {
    let mut by_name: HashMap<&str, Vec<usize>> = HashMap::new();
    let mut by_letters: HashMap<String, Vec<usize>> = HashMap::new();
    for (class, label) in labels.iter().enumerate() {
        by_name.entry(label).or_default().push(class);
        by_letters.entry(label.to_lowercase()).or_default().push(class);
    }
    let find = |name: &String| by_name.get(name.as_str()).or_else(|| by_letters.get(&name.to_lowercase()));
    let found: Vec<Option<&Vec<usize>>> = names.iter().map(find).collect();
    if names.len() == labels.len() && found.iter().all(Option::is_none) {
        return Ok(((0..names.len()).collect(), Mapping::Order));
    }
    let path = || folder.display().to_string();
    let class = |(name, found): (&String, Option<&Vec<usize>>)| match found.map(Vec::as_slice) {
        Some(&[class]) => Ok(class),
        Some(&[one, other, ..]) => {
            let [one, other] = [one, other].map(|class| labels[class].clone());
            Err(DatasetError::Ambiguous { path: path(), class: name.clone(), one, other })
        }
        _ => {
            let (found, known) = (names.len(), labels.len());
            Err(DatasetError::Unknown { path: path(), class: name.clone(), found, known })
        }
    };
    let classes: Result<Vec<usize>, DatasetError> = names.iter().zip(found).map(class).collect();
    Ok((classes?, Mapping::Name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    fn folder_of(classes: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (i, class) in classes.iter().enumerate() {
            fs::create_dir(folder.path().join(class)).unwrap();
            let pixels = [i as u8; 12];
            image::save_buffer(folder.path().join(class).join("a.png"), &pixels, 2, 2, image::ColorType::Rgb8).unwrap();
        }
        folder
    }

    fn classes(folder: &Path, names: &[&str]) -> Result<Vec<usize>, DatasetError> {
        let set = Dataset::open(folder, &labels(names))?;
        (0..set.len()).map(|i| set.read(i).map(|(_, class)| class)).collect()
    }

    #[test]
    fn folders_go_by_name_then_by_order() {
        let folder = folder_of(&["cat", "dog"]);
        assert_eq!(classes(folder.path(), &["dog", "bird", "cat"]).unwrap(), [2, 0]);
        assert_eq!(classes(folder.path(), &["first", "second"]).unwrap(), [0, 1]);
        let refused = classes(folder.path(), &["dog", "bird", "fish"]).unwrap_err().to_string();
        assert!(refused.contains("`cat`"), "{refused}");
        // As many as labels, and one of them is a label: the other is a mistake.
        let refused = classes(folder.path(), &["dog", "bird"]).unwrap_err().to_string();
        assert!(refused.contains("`cat`"), "{refused}");
    }

    #[test]
    fn letter_case_counts_only_where_two_labels_differ_by_it() {
        let folder = folder_of(&["CAT", "Öl, gelb"]);
        assert_eq!(classes(folder.path(), &["dog", "öl, Gelb", "cat"]).unwrap(), [2, 1]);
        assert_eq!(classes(folder.path(), &["cat", "öl, gelb", "CAT"]).unwrap(), [2, 1]);
        let refused = classes(folder.path(), &["cat", "öl, gelb", "Cat"]).unwrap_err();
        assert!(matches!(&refused, DatasetError::Ambiguous { class, .. } if class == "CAT"), "{refused}");
        let refused = classes(folder.path(), &["CAT", "öl, gelb", "CAT"]).unwrap_err();
        assert!(matches!(&refused, DatasetError::Ambiguous { .. }), "{refused}");
        let both = folder_of(&["Cat", "cat"]);
        assert_eq!(classes(both.path(), &["dog", "cat"]).unwrap(), [1, 1]);
    }

    #[test]
    fn cifar_files_are_read_plane_by_plane() {
        let folder = tempfile::tempdir().unwrap();
        let record = |fine: u8| {
            let planes = [10_u8, 20, 30].map(|colour| vec![colour; 1024]).concat();
            [vec![9, fine], planes].concat()
        };
        fs::write(folder.path().join("test.bin"), [record(1), record(0)].concat()).unwrap();
        let set = Dataset::open(folder.path(), &labels(&["a", "b"])).unwrap();
        let (picture, class) = set.read(0).unwrap();
        assert_eq!((picture.width, picture.height, class, &picture.rgb[..4]), (32, 32, 1, &[10, 20, 30, 10][..]));
        assert_eq!(set.len(), 2);
        fs::write(folder.path().join("fine_label_names.txt"), "b\na\n").unwrap();
        assert_eq!(classes(folder.path(), &["a", "b"]).unwrap(), [0, 1]);
        fs::write(folder.path().join("test.bin"), [0; 3075]).unwrap();
        assert!(matches!(classes(folder.path(), &["a", "b"]), Err(DatasetError::Cifar { .. })));
    }

    #[test]
    fn sets_without_pictures_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(classes(folder.path(), &["a"]), Err(DatasetError::Empty(_))));
        assert!(matches!(classes(&folder.path().join("none"), &["a"]), Err(DatasetError::Unreadable { .. })));
    }
}
