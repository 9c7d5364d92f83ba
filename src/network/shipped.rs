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

/// A network inside the binary.
#[derive(Clone, Copy, Debug)]
pub struct Shipped {
    /// What the command line calls it.
    pub name: &'static str,
    /// Its model file.
    pub bytes: &'static [u8],
}

/// The networks inside the binary; the first is the default.
pub static SHIPPED: &[Shipped] = &[
    Shipped { name: "cards", bytes: include_bytes!("../../models/cards.safetensors") },
    Shipped { name: "cards-float-input", bytes: include_bytes!("../../models/cards-float-input.safetensors") },
    Shipped { name: "cifar100", bytes: include_bytes!("../../models/cifar100.safetensors") },
    Shipped { name: "cifar100-float-input", bytes: include_bytes!("../../models/cifar100-float-input.safetensors") },
    Shipped { name: "objects", bytes: include_bytes!("../../models/objects.safetensors") },
    Shipped { name: "objects-float-input", bytes: include_bytes!("../../models/objects-float-input.safetensors") },
];

impl Shipped {
    /// The one of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        SHIPPED.iter().find(|shipped| shipped.name == name)
    }

    /// Reads and checks it.
    ///
    /// # Errors
    /// None is expected: the files are ours.
    pub fn load(&self) -> Result<Network, FileError> {
        file::parse(self.bytes)
    }
}
