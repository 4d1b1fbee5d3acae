//! The fuzz targets. Their functions are beside the tests, which run them with every input of `tests/corpus`.

#[path = "../../tests/it/properties.rs"]
mod properties;

pub use properties::*;
