//! Settings: flag over environment over file over default, and where each came from.
//!
//! Pure but for [`ConfigFile::find`], which reads the one file, and [`change`], which changes it. Secrets are no settings: they
//! never come through here, and a file that holds one is refused.

mod edit;
mod error;
mod file;
mod key;
mod resolve;
mod setting;
mod suggest;
mod value;

pub use edit::{Change, change, changed};
pub use error::ConfigError;
pub use file::ConfigFile;
pub use key::Key;
pub use resolve::{Flags, Row, SecretCommands, Settings};
pub use setting::{Origin, Setting};
pub(crate) use suggest::distance;
pub use value::{BaseUrl, ServiceUser};
