//! The JSON text of what is stored, which is read back before anything is replaced by it.

use std::fmt::Display;
use std::io;

use anyhow::anyhow;
use serde::de::DeserializeOwned;
use serde::Serialize;
use zeroize::Zeroizing;

use super::StoreError;
use crate::os::files::DiskError;

/// Returns the JSON text of a value, once the text has been parsed and found to be that of the same value. `place` is where
/// it goes.
///
/// # Errors
///
/// [`StoreError::Altered`] if the text does not read as the same value; [`StoreError::Disk`] if there is none, such as for a
/// path that is not UTF-8. Whatever is to be replaced by the text has to stay then.
pub fn checked<T: Serialize + DeserializeOwned>(
    value: &T,
    place: &dyn Display,
) -> Result<Zeroizing<String>, StoreError> {
    checked_as::<T, T>(value, place)
}

/// As [`checked`], for a value that is read as another type than it was written as, such as one that borrows.
///
/// # Errors
///
/// Those of [`checked`].
pub fn checked_as<R: Serialize + DeserializeOwned, W: Serialize>(
    value: &W,
    place: &dyn Display,
) -> Result<Zeroizing<String>, StoreError> {
    let altered = || StoreError::Altered(place.to_string());
    let text = text_of(value)?;
    let read: R = serde_json::from_str(&text).map_err(|_| altered())?;
    match text_of(&read)? == text {
        true => Ok(text),
        false => Err(altered()),
    }
}

/// Returns the JSON text of a value in one allocation: a text that grows would leave copies of secrets behind.
fn text_of<T: Serialize>(value: &T) -> Result<Zeroizing<String>, DiskError> {
    let mut counted = Counted(0);
    serde_json::to_writer(&mut counted, value).map_err(anyhow::Error::new)?;
    let mut bytes = Zeroizing::new(Vec::with_capacity(counted.0));
    serde_json::to_writer(&mut *bytes, value).map_err(anyhow::Error::new)?;
    let text = String::from_utf8(std::mem::take(&mut *bytes));
    Ok(Zeroizing::new(
        text.map_err(|err| anyhow!(err.utf8_error()))?,
    ))
}

/// Counts the bytes that are written to it.
struct Counted(usize);

impl io::Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.saturating_add(bytes.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    /// Writes what it refuses to read.
    #[derive(Serialize, Deserialize)]
    struct Odd {
        #[serde(deserialize_with = "only_small")]
        number: u64,
    }

    fn only_small<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        let number = u64::deserialize(deserializer)?;
        (number < 10)
            .then_some(number)
            .ok_or_else(|| serde::de::Error::custom("too large"))
    }

    #[test]
    fn e9_what_cannot_be_read_back_is_not_written() {
        assert_eq!(
            checked(&Odd { number: 9 }, &"it").expect("a text").as_str(),
            "{\"number\":9}"
        );
        let altered = checked(&Odd { number: 10 }, &"it");
        assert!(matches!(altered, Err(StoreError::Altered(place)) if place == "it"));
        #[cfg(unix)]
        {
            let name: std::ffi::OsString = std::os::unix::ffi::OsStringExt::from_vec(vec![0xff]);
            assert!(matches!(
                checked(&std::path::PathBuf::from(name), &"it"),
                Err(StoreError::Disk(_))
            ));
        }
        assert!(matches!(
            checked_as::<String, _>(&[1], &"it"),
            Err(StoreError::Altered(_))
        ));
    }
}
