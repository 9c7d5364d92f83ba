//! Labelled pictures on disk: a folder a class, or the binary files of CIFAR-10 and CIFAR-100.

use crate::source::SourceError;
use crate::source::picture::{Picture, is_picture, read_picture};
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use thiserror::Error;

/// The edge of a CIFAR picture in pixels.
const CIFAR_EDGE: usize = 32;
/// Bytes of a CIFAR picture.
const CIFAR_PIXELS: usize = CIFAR_EDGE * CIFAR_EDGE * 3;

/// The test files of CIFAR: name, bytes of labels before each picture (the last one counts), names of the classes.
/// (Krizhevsky: Learning Multiple Layers of Features from Tiny Images, 2009; the "binary version".)
const CIFAR: [(&str, usize, &str); 2] =
    [("test.bin", 2, "fine_label_names.txt"), ("test_batch.bin", 1, "batches.meta.txt")];

/// Why a set cannot be used. Its text is one line with cause and remedy.
#[derive(Debug, Error)]
pub enum DatasetError {
    /// The system refuses a folder or a file.
    #[error("{path} cannot be read ({why}): name a folder with a folder a class, or with CIFAR's binary files")]
    Unreadable {
        /// Which.
        path: String,
        /// The system's words.
        why: io::Error,
    },
    /// No folder has a picture in it.
    #[error("{0} holds no pictures: it needs a folder a class with PNG, JPEG, WebP or BMP files, or CIFAR's test.bin")]
    Empty(String),
    /// The classes are not those of the network.
    #[error(
        "{path} has {found} classes, `{unknown}` among them, which the network does not know, and the network has {known}: \
             name the folders after the network's labels, or choose another network"
    )]
    Classes {
        /// The set.
        path: String,
        /// Its classes.
        found: usize,
        /// One that is no label.
        unknown: String,
        /// The network's classes.
        known: usize,
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

/// A set of labelled pictures, read one at a time.
pub struct Dataset {
    folder: String,
    pictures: Pictures,
    /// What the set's classes are in the network, by their number in the set.
    classes: Vec<usize>,
}

enum Pictures {
    /// Path and class.
    Files(Vec<(PathBuf, usize)>),
    Cifar {
        path: PathBuf,
        file: File,
        labels: usize,
        count: usize,
    },
}

impl Dataset {
    /// Finds the pictures in `folder` for a network with `labels`. Classes go by their names; where one of them is no label and
    /// there are as many as labels, they go by their order.
    ///
    /// # Errors
    /// [`DatasetError`], where there is no such set or its classes are others.
    pub fn open(folder: &Path, labels: &[String]) -> Result<Self, DatasetError> {
        let cifar = CIFAR.into_iter().find(|(name, ..)| folder.join(name).is_file());
        let (pictures, names) = match cifar {
            Some(kind) => open_cifar(folder, kind, labels.len())?,
            None => find_files(folder)?,
        };
        let classes = match_classes(folder, &names, labels)?;
        Ok(Self { folder: folder.display().to_string(), pictures, classes })
    }

    /// How many pictures there are.
    pub fn len(&self) -> usize {
        match &self.pictures {
            Pictures::Files(files) => files.len(),
            Pictures::Cifar { count, .. } => *count,
        }
    }

    /// Whether there are none: never, see [`Dataset::open`].
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Picture number `index` and its class in the network.
    ///
    /// # Errors
    /// [`DatasetError`], where the file cannot be read.
    ///
    /// # Panics
    /// Where `index` is not below [`Dataset::len`].
    pub fn read(&mut self, index: usize) -> Result<(Picture, usize), DatasetError> {
        let (picture, class) = match &mut self.pictures {
            Pictures::Files(files) => {
                let (path, class) = &files[index];
                (read_picture(path)?, *class)
            }
            Pictures::Cifar { path, file, labels, .. } => read_cifar(path, file, *labels, index)?,
        };
        let unknown = || {
            let why = format!("picture {index} is of class {class}, and there are {} classes", self.classes.len());
            DatasetError::Cifar { path: self.folder.clone(), why }
        };
        Ok((picture, *self.classes.get(class).ok_or_else(unknown)?))
    }
}

fn unreadable(path: &Path) -> impl FnOnce(io::Error) -> DatasetError {
    let path = path.display().to_string();
    move |why| DatasetError::Unreadable { path, why }
}

/// The pictures of a folder a class, and the classes' names, both in the order of names.
fn find_files(folder: &Path) -> Result<(Pictures, Vec<String>), DatasetError> {
    let mut names = Vec::new();
    let mut files = Vec::new();
    for class in sorted(folder)?.into_iter().filter(|path| path.is_dir()) {
        let number = names.len();
        files.extend(sorted(&class)?.into_iter().filter(|path| is_picture(path)).map(|path| (path, number)));
        names.push(class.file_name().unwrap_or_default().to_string_lossy().into_owned());
    }
    if files.is_empty() {
        return Err(DatasetError::Empty(folder.display().to_string()));
    }
    Ok((Pictures::Files(files), names))
}

fn sorted(folder: &Path) -> Result<Vec<PathBuf>, DatasetError> {
    let entries = fs::read_dir(folder).map_err(unreadable(folder))?;
    let paths: io::Result<Vec<PathBuf>> = entries.map(|entry| entry.map(|entry| entry.path())).collect();
    let mut paths = paths.map_err(unreadable(folder))?;
    paths.sort();
    Ok(paths)
}

/// Opens a CIFAR file. Without its list of names the classes are as many as the network's.
fn open_cifar(
    folder: &Path,
    (name, labels, list): (&str, usize, &str),
    known: usize,
) -> Result<(Pictures, Vec<String>), DatasetError> {
    let path = folder.join(name);
    let file = File::open(&path).map_err(unreadable(&path))?;
    let bytes = file.metadata().map_err(unreadable(&path))?.len() as usize;
    let record = labels + CIFAR_PIXELS;
    if bytes == 0 || !bytes.is_multiple_of(record) {
        let why = format!("{bytes} bytes are no whole number of pictures of {record} bytes");
        return Err(DatasetError::Cifar { path: path.display().to_string(), why });
    }
    let list = folder.join(list);
    let names = match fs::read_to_string(&list) {
        Ok(text) => text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => (0..known).map(|i| format!("class {i}")).collect(),
        Err(error) => return Err(unreadable(&list)(error)),
    };
    Ok((Pictures::Cifar { path, file, labels, count: bytes / record }, names))
}

/// A record: labels, then a plane a colour.
fn read_cifar(path: &Path, file: &mut File, labels: usize, index: usize) -> Result<(Picture, usize), DatasetError> {
    let mut record = vec![0; labels + CIFAR_PIXELS];
    file.seek(SeekFrom::Start((index * record.len()) as u64)).map_err(unreadable(path))?;
    file.read_exact(&mut record).map_err(unreadable(path))?;
    let (labels, planes) = record.split_at(labels);
    let area = CIFAR_EDGE * CIFAR_EDGE;
    let rgb: Vec<u8> = (0..area).flat_map(|i| [planes[i], planes[area + i], planes[2 * area + i]]).collect();
    let picture = Picture::new(CIFAR_EDGE as u32, CIFAR_EDGE as u32, rgb.into());
    Ok((picture, labels.last().copied().map_or(0, usize::from)))
}

/// The network's classes for those of a set, by name, else by number.
fn match_classes(folder: &Path, names: &[String], labels: &[String]) -> Result<Vec<usize>, DatasetError> {
    let by_name = |name: &String| labels.iter().position(|label| label == name).ok_or_else(|| name.clone());
    match names.iter().map(by_name).collect() {
        Ok(classes) => Ok(classes),
        Err(_) if names.len() == labels.len() => Ok((0..names.len()).collect()),
        Err(unknown) => {
            let path = folder.display().to_string();
            Err(DatasetError::Classes { path, found: names.len(), unknown, known: labels.len() })
        }
    }
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
        let mut set = Dataset::open(folder, &labels(names))?;
        (0..set.len()).map(|i| set.read(i).map(|(_, class)| class)).collect()
    }

    #[test]
    fn folders_go_by_name_then_by_order() {
        let folder = folder_of(&["cat", "dog"]);
        assert_eq!(classes(folder.path(), &["dog", "bird", "cat"]).unwrap(), [2, 0]);
        assert_eq!(classes(folder.path(), &["first", "second"]).unwrap(), [0, 1]);
        let refused = classes(folder.path(), &["dog", "bird", "fish"]).unwrap_err().to_string();
        assert!(refused.contains("`cat`"), "{refused}");
    }

    #[test]
    fn cifar_files_are_read_plane_by_plane() {
        let folder = tempfile::tempdir().unwrap();
        let record = |fine: u8| {
            let planes = [10_u8, 20, 30].map(|colour| vec![colour; 1024]).concat();
            [vec![9, fine], planes].concat()
        };
        fs::write(folder.path().join("test.bin"), [record(1), record(0)].concat()).unwrap();
        let mut set = Dataset::open(folder.path(), &labels(&["a", "b"])).unwrap();
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
