//! A metadata document, member by member: what this program needs has to be right, and the rest does not matter.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::error::Category;
use serde_json::Value;

use super::MetadataError;
use crate::oauth::body::without_byte_order_mark;
use crate::oauth::endpoint;

/// A member of a document that cannot be used, and that a login can do without.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ignored {
    /// Its name.
    pub member: &'static str,
    /// What is wrong with it.
    pub why: String,
}

/// The members of a document that were not read yet.
#[derive(Debug, Default)]
pub struct DocumentMembers {
    values: BTreeMap<String, Value>,
    doubled: BTreeSet<String>,
    /// What was left out so far.
    pub ignored: Vec<Ignored>,
}

impl<'de> Deserialize<'de> for DocumentMembers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor;
        impl<'de> Visitor<'de> for ObjectVisitor {
            type Value = DocumentMembers;

            fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<DocumentMembers, A::Error> {
                let mut members = DocumentMembers::default();
                while let Some((name, value)) = map.next_entry::<String, Value>()? {
                    if members.values.insert(name.clone(), value).is_some() {
                        members.doubled.insert(name);
                    }
                }
                Ok(members)
            }
        }
        deserializer.deserialize_map(ObjectVisitor)
    }
}

impl DocumentMembers {
    /// Reads a JSON object. A byte order mark is skipped.
    ///
    /// # Errors
    ///
    /// [`MetadataError::NotMetadata`] and [`MetadataError::NotAnObject`].
    pub fn read(body: &[u8]) -> Result<Self, MetadataError> {
        let body = without_byte_order_mark(body);
        serde_json::from_slice(body).map_err(|err| match err.classify() {
            Category::Data => MetadataError::NotAnObject,
            Category::Io | Category::Syntax | Category::Eof => MetadataError::NotMetadata,
        })
    }

    /// Takes a member out; `null` counts as none.
    ///
    /// # Errors
    ///
    /// [`MetadataError::Doubled`]: readers of JSON do not agree about which of the two counts.
    fn take(&mut self, member: &'static str) -> Result<Option<Value>, MetadataError> {
        if self.doubled.contains(member) {
            return Err(MetadataError::Doubled(member));
        }
        Ok(self.values.remove(member).filter(|value| !value.is_null()))
    }

    /// Takes a string that a login cannot do without.
    ///
    /// # Errors
    ///
    /// [`MetadataError::Missing`] with `meaning`, [`MetadataError::WrongType`] and [`MetadataError::Doubled`].
    pub fn required(
        &mut self,
        member: &'static str,
        meaning: &'static str,
    ) -> Result<String, MetadataError> {
        match self.take(member)? {
            Some(Value::String(text)) => Ok(text),
            Some(_) => Err(MetadataError::WrongType {
                member,
                expected: "a string",
            }),
            None => Err(MetadataError::Missing { member, meaning }),
        }
    }

    /// Takes an absolute URL that a login cannot do without; whether it may be used is not checked.
    ///
    /// # Errors
    ///
    /// Those of [`Self::required`].
    pub fn absolute_url(
        &mut self,
        member: &'static str,
        meaning: &'static str,
    ) -> Result<String, MetadataError> {
        let text = self.required(member, meaning)?;
        if !endpoint::is_absolute(&text) {
            return Err(MetadataError::WrongType {
                member,
                expected: "an absolute URL",
            });
        }
        Ok(text)
    }

    /// Takes a string; one of another type is left out.
    ///
    /// # Errors
    ///
    /// [`MetadataError::Doubled`].
    pub fn text(&mut self, member: &'static str) -> Result<Option<String>, MetadataError> {
        Ok(match self.take(member)? {
            Some(Value::String(text)) => Some(text),
            Some(_) => self.ignore(member, "it is not a string"),
            None => None,
        })
    }

    /// Takes a list of strings; one of another type is left out, and so are items that are no strings.
    ///
    /// # Errors
    ///
    /// [`MetadataError::Doubled`].
    pub fn list(&mut self, member: &'static str) -> Result<Option<Vec<String>>, MetadataError> {
        Ok(match self.take(member)? {
            Some(Value::Array(items)) => Some(self.strings(member, items)),
            Some(_) => self.ignore(member, "it is not a list of strings"),
            None => None,
        })
    }

    /// Takes a list of absolute URLs, or the only one, without those entries that are none.
    ///
    /// # Errors
    ///
    /// [`MetadataError::Doubled`].
    pub fn absolute_urls(&mut self, member: &'static str) -> Result<Vec<String>, MetadataError> {
        let mut urls = match self.take(member)? {
            Some(Value::String(only)) => vec![only],
            Some(Value::Array(items)) => self.strings(member, items),
            Some(_) => self
                .ignore(member, "it is not a list of strings")
                .unwrap_or_default(),
            None => Vec::new(),
        };
        let count = urls.len();
        urls.retain(|url| endpoint::is_absolute(url));
        if urls.len() < count {
            self.ignore::<()>(member, "some of its entries are not absolute URLs");
        }
        Ok(urls)
    }

    /// Tells whether a member is `true`, and nothing else.
    ///
    /// # Errors
    ///
    /// [`MetadataError::Doubled`].
    pub fn is_true(&mut self, member: &'static str) -> Result<bool, MetadataError> {
        Ok(self.take(member)? == Some(Value::Bool(true)))
    }

    fn strings(&mut self, member: &'static str, items: Vec<Value>) -> Vec<String> {
        let count = items.len();
        let strings: Vec<_> = items
            .into_iter()
            .filter_map(|item| item.as_str().map(str::to_owned))
            .collect();
        if strings.len() < count {
            self.ignore::<()>(member, "some of its items are not strings");
        }
        strings
    }

    /// Notes that a member is left out.
    pub fn ignore<T>(&mut self, member: &'static str, why: impl Into<String>) -> Option<T> {
        self.ignored.push(Ignored {
            member,
            why: why.into(),
        });
        None
    }
}
