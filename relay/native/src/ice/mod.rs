//! Who may talk to us, from where, and where what is sent to them goes.

pub(crate) mod agent;
pub mod bindings;
pub mod newcomers;
pub mod path_validation;
mod traced;
