//! Changes values inside JSON text and copies the rest as it stands.

use super::write::Writer;
use super::{JsonError, elements, fields, key_is, quote, skip_value, skip_whitespace, string};

/// What becomes of a value that a callback of [`Edits`] was shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// It stays, byte for byte.
    Keep,
    /// It goes, with its key.
    Remove,
    /// This JSON text takes its place.
    With(Vec<u8>),
}

/// A set of edits of JSON text, told by paths; applied in one pass over the objects on those paths.
///
/// A segment of a path is a key of an object or a decimal index of an array; an index names the element as it stood
/// before the edits. At one path the latest of `remove` and `set` counts, and drops edits made deeper before it; an
/// `insert` counts where neither did. Deeper edits change what these leave; callbacks see the result, in the order
/// they were added. Every duplicate of a key is edited. All bytes beside the edited values stay as they are, but for
/// the comma that goes with a removed value.
///
/// ```
/// # use daytwo_core::json::Edits;
/// let mut edits = Edits::new();
/// edits.remove(&["metadata", "uid"]).set(&["spec", "suspend"], "true");
/// let job = br#"{"metadata": {"name": "a", "uid": "1"}}"#;
/// assert_eq!(edits.apply(job)?, br#"{"metadata": {"name": "a"},"spec":{"suspend":true}}"#);
/// # Ok::<(), daytwo_core::json::JsonError>(())
/// ```
#[derive(Debug, Default)]
pub struct Edits<'f> {
    root: Node<'f>,
}

#[derive(Debug, Default)]
struct Node<'f> {
    place: Place,
    children: Vec<(String, Node<'f>)>,
    callbacks: Vec<Callback<'f>>,
}

#[derive(Debug, Default)]
enum Place {
    #[default]
    Same,
    Remove,
    Set(Vec<u8>),
    Insert(Vec<u8>),
}

type OnValue<'f> = Box<dyn Fn(&[u8]) -> Change + Send + Sync + 'f>;
type OnField<'f> = Box<dyn Fn(&str, &[u8]) -> Change + Send + Sync + 'f>;

enum Callback<'f> {
    Value(OnValue<'f>),
    Elements(OnValue<'f>),
    Fields(OnField<'f>),
}

impl std::fmt::Debug for Callback<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Callback::Value(_) => "Value",
            Callback::Elements(_) => "Elements",
            Callback::Fields(_) => "Fields",
        })
    }
}

impl<'f> Edits<'f> {
    /// No edits: [`Edits::apply`] copies.
    pub fn new() -> Edits<'f> {
        Edits::default()
    }

    /// Whether there is nothing to edit.
    pub fn is_empty(&self) -> bool {
        self.root.is_empty()
    }

    /// Removes the value at `path` if it is there.
    pub fn remove(&mut self, path: &[&str]) -> &mut Self {
        self.place(path, Place::Remove)
    }

    /// Puts JSON text at `path`. Parents that are missing or `null` become objects.
    pub fn set(&mut self, path: &[&str], json: impl Into<Vec<u8>>) -> &mut Self {
        self.place(path, Place::Set(json.into()))
    }

    /// Puts a string at `path`, as [`Edits::set`].
    pub fn set_str(&mut self, path: &[&str], text: &str) -> &mut Self {
        self.set(path, quote(text))
    }

    /// Puts JSON text at `path` unless a value other than `null` is there; parents as [`Edits::set`].
    pub fn insert(&mut self, path: &[&str], json: impl Into<Vec<u8>>) -> &mut Self {
        let node = self.root.at(path);
        match node.place {
            Place::Same => node.place = Place::Insert(json.into()),
            Place::Remove => node.place = Place::Set(json.into()),
            Place::Set(_) | Place::Insert(_) => {}
        }
        self
    }

    /// Asks `change` about the value at `path`, if it is there.
    pub fn replace(
        &mut self,
        path: &[&str],
        change: impl Fn(&[u8]) -> Change + Send + Sync + 'f,
    ) -> &mut Self {
        self.root.at(path).callbacks.push(Callback::Value(Box::new(change)));
        self
    }

    /// Asks `change` about every element of the array at `path`; does nothing where there is no array.
    pub fn each_element(
        &mut self,
        path: &[&str],
        change: impl Fn(&[u8]) -> Change + Send + Sync + 'f,
    ) -> &mut Self {
        self.root.at(path).callbacks.push(Callback::Elements(Box::new(change)));
        self
    }

    /// Asks `change` about every key and value of the object at `path`; does nothing where there is no object.
    pub fn each_field(
        &mut self,
        path: &[&str],
        change: impl Fn(&str, &[u8]) -> Change + Send + Sync + 'f,
    ) -> &mut Self {
        self.root.at(path).callbacks.push(Callback::Fields(Box::new(change)));
        self
    }

    /// Removes the elements of the array at `path` for which `goes` holds; the array stays, also if it ends empty.
    pub fn remove_where(
        &mut self,
        path: &[&str],
        goes: impl Fn(&[u8]) -> bool + Send + Sync + 'f,
    ) -> &mut Self {
        self.each_element(path, move |element| if goes(element) { Change::Remove } else { Change::Keep })
    }

    /// The edited text.
    ///
    /// # Errors
    /// An object on a path is not JSON, a `set` or `insert` leads through a value that is no object or past the end
    /// of an array, or a value put in is not exactly one JSON value. Offsets count in `json`.
    pub fn apply(&self, json: &[u8]) -> Result<Vec<u8>, JsonError> {
        let mut out = Vec::with_capacity(json.len() + 64);
        self.apply_to(json, &mut out)?;
        Ok(out)
    }

    /// Appends the edited text to `out`; on an error `out` holds a part of it.
    ///
    /// # Errors
    /// As [`Edits::apply`].
    pub fn apply_to(&self, json: &[u8], out: &mut Vec<u8>) -> Result<(), JsonError> {
        let start = skip_whitespace(json, 0);
        let end = skip_value(json, start)?;
        out.extend_from_slice(&json[..start]);
        match self.root.edit(&json[start..end]).map_err(|error| error.shifted(start))? {
            Change::Keep => out.extend_from_slice(&json[start..end]),
            Change::With(value) => out.extend_from_slice(&value),
            Change::Remove => {
                return Err(JsonError::new(start, "a value that stays: the whole text was removed"));
            }
        }
        out.extend_from_slice(&json[end..]);
        Ok(())
    }

    fn place(&mut self, path: &[&str], place: Place) -> &mut Self {
        let node = self.root.at(path);
        node.children.clear();
        node.callbacks.clear();
        node.place = place;
        self
    }
}

impl<'f> Node<'f> {
    fn is_empty(&self) -> bool {
        matches!(self.place, Place::Same)
            && self.callbacks.is_empty()
            && self.children.iter().all(|(_, child)| child.is_empty())
    }

    fn at(&mut self, path: &[&str]) -> &mut Node<'f> {
        let mut node = self;
        for segment in path {
            let index = node.children.iter().position(|(name, _)| name == segment).unwrap_or_else(|| {
                node.children.push(((*segment).to_owned(), Node::default()));
                node.children.len() - 1
            });
            node = &mut node.children[index].1;
        }
        node
    }

    /// Whether this node makes a value where there is none.
    fn creates(&self) -> bool {
        match self.place {
            Place::Set(_) | Place::Insert(_) => true,
            Place::Same | Place::Remove => self.children.iter().any(|(_, child)| child.creates()),
        }
    }

    /// What becomes of the value that stands here.
    fn edit(&self, value: &[u8]) -> Result<Change, JsonError> {
        let null = value == b"null";
        let mut change = match &self.place {
            Place::Set(new) => self.put(new)?,
            Place::Insert(new) if null => self.put(new)?,
            Place::Remove if self.creates() => self.put(b"{}")?,
            Place::Remove => return Ok(Change::Remove),
            Place::Same if null && self.creates() => self.put(b"{}")?,
            Place::Same | Place::Insert(_) => self.edit_inside(value)?,
        };
        for callback in &self.callbacks {
            let current = match &change {
                Change::Keep => value,
                Change::With(new) => new,
                Change::Remove => break,
            };
            match callback.change(current)? {
                Change::Keep => {}
                changed => change = changed,
            }
        }
        Ok(change)
    }

    /// The value made where there is none; `None` if nothing is to be made.
    fn make(&self) -> Result<Option<Vec<u8>>, JsonError> {
        if !self.creates() {
            return Ok(None);
        }
        match self.edit(b"null")? {
            Change::With(value) => Ok(Some(value)),
            Change::Keep | Change::Remove => Ok(None),
        }
    }

    /// A value put in by an edit, changed by the edits below it.
    fn put(&self, value: &[u8]) -> Result<Change, JsonError> {
        if skip_value(value, 0).is_ok_and(|end| end == value.len()) {
            return Ok(match self.edit_inside(value)? {
                Change::Keep => Change::With(value.to_vec()),
                changed => changed,
            });
        }
        Err(JsonError::new(0, "one JSON value in place of what an edit puts in"))
    }

    fn edit_inside(&self, value: &[u8]) -> Result<Change, JsonError> {
        if self.children.is_empty() {
            return Ok(Change::Keep);
        }
        match value.first() {
            Some(b'{') => self.edit_object(value),
            Some(b'[') => self.edit_array(value),
            _ if self.creates_below() => Err(JsonError::new(0, "an object on the way to a value to set")),
            _ => Ok(Change::Keep),
        }
    }

    fn creates_below(&self) -> bool {
        self.children.iter().any(|(_, child)| child.creates())
    }

    fn edit_object(&self, object: &[u8]) -> Result<Change, JsonError> {
        let mut out = Writer::new(object);
        let mut seen = vec![false; self.children.len()];
        let mut walk = fields(object);
        while let Some(spans) = walk.next_spans() {
            let (key, value) = spans?;
            let child = self.children.iter().position(|(name, _)| key_is(&object[key.clone()], name));
            let change = match child {
                None => Change::Keep,
                Some(index) => {
                    seen[index] = true;
                    let edited = self.children[index].1.edit(&object[value.clone()]);
                    edited.map_err(|error| error.shifted(value.start))?
                }
            };
            out.item(value, change);
        }
        for ((name, child), seen) in self.children.iter().zip(seen) {
            if seen {
                continue;
            }
            if let Some(value) = child.make()? {
                out.append(name, &value);
            }
        }
        Ok(out.finish())
    }

    fn edit_array(&self, array: &[u8]) -> Result<Change, JsonError> {
        let mut out = Writer::new(array);
        let mut count = 0;
        for (index, value) in elements(array).enumerate() {
            let value = value?;
            let child = self.children.iter().find(|(name, _)| name.parse() == Ok(index));
            let change = match child {
                None => Change::Keep,
                Some((_, child)) => {
                    let edited = child.edit(&array[value.clone()]);
                    edited.map_err(|error| error.shifted(value.start))?
                }
            };
            out.item(value, change);
            count = index + 1;
        }
        let past = |name: &str| name.parse::<usize>().map_or(true, |index| index >= count);
        if self.children.iter().any(|(name, child)| child.creates() && past(name)) {
            return Err(JsonError::new(0, "an array with the element to set"));
        }
        Ok(out.finish())
    }
}

impl Callback<'_> {
    fn change(&self, value: &[u8]) -> Result<Change, JsonError> {
        match (self, value.first()) {
            (Callback::Value(change), _) => Ok(change(value)),
            (Callback::Elements(change), Some(b'[')) => {
                let mut out = Writer::new(value);
                for element in elements(value) {
                    let element = element?;
                    let changed = change(&value[element.clone()]);
                    out.item(element, changed);
                }
                Ok(out.finish())
            }
            (Callback::Fields(change), Some(b'{')) => {
                let mut out = Writer::new(value);
                let mut walk = fields(value);
                while let Some(spans) = walk.next_spans() {
                    let (key, field) = spans?;
                    let name = string(&value[key.clone()])
                        .ok_or(JsonError::new(key.start, "a key of UTF-8 text"))?;
                    let changed = change(&name, &value[field.clone()]);
                    out.item(field, changed);
                }
                Ok(out.finish())
            }
            _ => Ok(Change::Keep),
        }
    }
}
