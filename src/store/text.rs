//! The JSON text of what is stored, which is read back before anything is replaced by it.

use std::io;

use serde::de::DeserializeOwned;
use serde::ser::Error as _;
use serde::Serialize;
use zeroize::Zeroizing;

/// Why there is no text.
#[derive(Debug, thiserror::Error)]
pub enum NoText {
    /// The value has no JSON form, such as a path that is not UTF-8.
    #[error(transparent)]
    Unwritable(serde_json::Error),
    /// The text does not read as the same value.
    #[error("reading it back gave something else")]
    Altered,
}

/// Returns the JSON text of a value, once the text has been parsed and found to be that of the same value.
///
/// # Errors
///
/// [`NoText`]; whatever is to be replaced by the text has to stay then.
pub fn checked<T: Serialize + DeserializeOwned>(value: &T) -> Result<Zeroizing<String>, NoText> {
    checked_as::<T, T>(value)
}

/// As [`checked`], for a value that is read as another type than it was written as, such as one that borrows.
///
/// # Errors
///
/// Those of [`checked`].
pub fn checked_as<R: Serialize + DeserializeOwned, W: Serialize>(
    value: &W,
) -> Result<Zeroizing<String>, NoText> {
    let text = text_of(value).map_err(NoText::Unwritable)?;
    let read: R = serde_json::from_str(&text).map_err(|_| NoText::Altered)?;
    let again = text_of(&read).map_err(NoText::Unwritable)?;
    if again == text {
        Ok(text)
    } else {
        Err(NoText::Altered)
    }
}

/// Returns the JSON text of a value in one allocation: a text that grows would leave copies of secrets behind.
fn text_of<T: Serialize>(value: &T) -> serde_json::Result<Zeroizing<String>> {
    let mut counted = Counted(0);
    serde_json::to_writer(&mut counted, value)?;
    let mut bytes = Zeroizing::new(Vec::with_capacity(counted.0));
    serde_json::to_writer(&mut *bytes, value)?;
    let text = String::from_utf8(std::mem::take(&mut *bytes));
    text.map(Zeroizing::new)
        .map_err(|_| serde_json::Error::custom("it is not UTF-8"))
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
            checked(&Odd { number: 9 }).expect("a text").as_str(),
            "{\"number\":9}"
        );
        assert!(matches!(checked(&Odd { number: 10 }), Err(NoText::Altered)));
        let name: std::ffi::OsString = std::os::unix::ffi::OsStringExt::from_vec(vec![0xff]);
        assert!(matches!(
            checked(&std::path::PathBuf::from(name)),
            Err(NoText::Unwritable(_))
        ));
        assert!(matches!(
            checked_as::<String, _>(&[1]),
            Err(NoText::Altered)
        ));
    }
}
