//! The networks inside the program.
//!
//! ```
//! use ernscope::network::shipped::SHIPPED;
//!
//! let names: Vec<_> = SHIPPED.iter().map(|shipped| shipped.name).collect();
//! let twins = ["cards", "cards-float-input", "cifar100", "cifar100-float-input", "objects", "objects-float-input"];
//! assert_eq!(names, twins);
//! ```

use super::Network;
use super::file::{self, FileError};
use std::sync::OnceLock;

/// A network inside the binary; in a build without the feature `shipped`, all but that of the cards are given to it later.
#[derive(Debug)]
pub struct Shipped {
    /// What the command line calls it.
    pub name: &'static str,
    inside: Option<&'static [u8]>,
    given: OnceLock<Box<[u8]>>,
}

/// One that is inside in every build.
macro_rules! inside {
    ($name:literal) => {
        Shipped {
            name: $name,
            inside: Some(include_bytes!(concat!("../../models/", $name, ".safetensors"))),
            given: OnceLock::new(),
        }
    };
}

#[cfg(feature = "shipped")]
use inside as shipped;

/// One that is inside where all are.
#[cfg(not(feature = "shipped"))]
macro_rules! shipped {
    ($name:literal) => {
        Shipped { name: $name, inside: None, given: OnceLock::new() }
    };
}

/// The networks inside the binary; the first is the default.
pub static SHIPPED: [Shipped; 6] = [
    inside!("cards"),
    inside!("cards-float-input"),
    shipped!("cifar100"),
    shipped!("cifar100-float-input"),
    shipped!("objects"),
    shipped!("objects-float-input"),
];

impl Shipped {
    /// The one of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        SHIPPED.iter().find(|shipped| shipped.name == name)
    }

    /// Its model file; `None` where it is not inside and was not given yet.
    pub fn bytes(&self) -> Option<&[u8]> {
        self.inside.or_else(|| self.given.get().map(|given| &**given))
    }

    /// Gives it its model file, where that is not inside.
    #[cfg(feature = "web")]
    pub(crate) fn give(&self, bytes: Box<[u8]>) {
        // What is there already is the same.
        let _ = self.given.set(bytes);
    }

    /// Reads and checks it.
    ///
    /// # Errors
    /// [`FileError::NotHere`], where it was not given yet; no other one is expected, since the files are ours.
    pub fn load(&self) -> Result<Network, FileError> {
        file::parse(self.bytes().ok_or(FileError::NotHere)?)
    }
}
