//! XML: a document read into elements, and text escaped for one that is written.

use std::borrow::Cow;
use std::io::{self, BufRead, BufReader, Read};
use std::ops::ControlFlow;
use std::rc::Rc;

pub use quick_xml::escape::escape;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::Event;
use quick_xml::name::ResolveResult;
use quick_xml::reader::NsReader;

use super::malformed;
use crate::error::Result;
use crate::host::data::Content;
use crate::types::Error;

/// The longest document that is read whole, and the longest element that one of any length has in its root: a page of 1,000 keys of 1 KiB, each byte of them encoded as three, is half of it.
const DOCUMENT_MAX: u64 = 8 << 20;

/// How deep elements are in one another; S3 has 4, WebDAV 6.
const DEPTH_MAX: usize = 16;

/// How much of a document of any length is asked for at a time: 64 KiB, what the host has at once.
const READ: usize = 64 << 10;

/// An element: its name, its text, what is in it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Element {
    /// Without a prefix.
    pub name: String,
    /// The namespace that its prefix stands for; empty for none.
    pub namespace: Rc<str>,
    text: String,
    children: Vec<Element>,
}

impl Element {
    /// Reads a document that is a body of a response.
    ///
    /// # Errors
    /// `unavailable`, so that the host asks again, for what is no XML: a cut answer, or a proxy's page; what reading the body answers.
    pub fn read(body: &Content) -> Result<Self> {
        let bytes = body.bytes(DOCUMENT_MAX)?;
        Self::parse(&bytes)
    }

    fn parse(bytes: &[u8]) -> Result<Self> {
        let mut children = Vec::new();
        let root = elements(bytes.trim_ascii_start(), &mut |child| {
            children.push(child);
            Ok(ControlFlow::Continue(()))
        })?;
        root.map(|root| Self { children, ..root }).ok_or_else(malformed)
    }

    /// Its own text, without white space around it.
    pub fn content(&self) -> &str {
        self.text.trim()
    }

    /// The text of the first element of that name in it; empty if there is none.
    pub fn text(&self, name: &str) -> &str {
        self.first(name).map_or("", Self::content)
    }

    /// The first element of that name in it.
    pub fn first(&self, name: &str) -> Option<&Self> {
        self.all(name).next()
    }

    /// The elements in it, in order.
    pub fn children(&self) -> impl Iterator<Item = &Self> {
        self.children.iter()
    }

    /// The elements of that name in it, of any namespace, in order.
    pub fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// Whether the first element of that name says `true`.
    pub fn is_true(&self, name: &str) -> bool {
        self.text(name).eq_ignore_ascii_case("true")
    }
}

/// Reads a document of any length, and hands over each element in its root as soon as it is whole; breaking ends it. Answers the root
/// without what was handed over, `None` after a break.
///
/// # Errors
/// As [`Element::read`]; what `visit` answers.
pub fn each(body: &Content, visit: &mut dyn FnMut(Element) -> Result<ControlFlow<()>>) -> Result<Option<Element>> {
    elements(BufReader::with_capacity(READ, Arriving { body, at: 0, begun: false }), visit)
}

fn elements(source: impl BufRead, visit: &mut dyn FnMut(Element) -> Result<ControlFlow<()>>) -> Result<Option<Element>> {
    let mut reader = NsReader::from_reader(source);
    let (mut buffer, mut namespaces, mut open, mut root, mut began) = (Vec::new(), Vec::new(), Vec::<Element>::new(), None, 0);
    loop {
        buffer.clear();
        let (bound, event) = reader.read_resolved_event_into(&mut buffer).map_err(why)?;
        let namespace = match bound {
            ResolveResult::Bound(namespace) => interned(&mut namespaces, namespace.as_ref()),
            ResolveResult::Unbound => interned(&mut namespaces, ""),
            ResolveResult::Unknown(_) => return Err(malformed()),
        };
        let named = |name: &str| Element { name: name.to_owned(), namespace, ..Element::default() };
        let ended = match event {
            Event::Start(start) => {
                open.push(named(start.local_name().as_ref()));
                None
            }
            Event::Empty(empty) => Some(named(empty.local_name().as_ref())),
            Event::End(_) => Some(open.pop().ok_or_else(malformed)?),
            Event::Eof => break,
            event => {
                if let Some(element) = open.last_mut() {
                    let text = text(&event).ok_or_else(malformed)?;
                    // White space before an element's first word says nothing, and most documents are full of it.
                    element.text.push_str(if element.text.is_empty() { text.trim_start() } else { &text });
                }
                None
            }
        };
        if let Some(element) = ended {
            match open.as_mut_slice() {
                // A second one would be another document.
                [] if root.is_some() => return Err(malformed()),
                [] => root = Some(element),
                [_] => {
                    if visit(element)?.is_break() {
                        return Ok(None);
                    }
                    began = reader.buffer_position();
                }
                [.., parent] => parent.children.push(element),
            }
        }
        if open.len() > DEPTH_MAX || reader.buffer_position() - began > DOCUMENT_MAX {
            return Err(malformed());
        }
    }
    // What is left open was cut off.
    if open.is_empty() { root.ok_or_else(malformed).map(Some) } else { Err(malformed()) }
}

/// The namespace of that name, of which a document has a few, and each element one.
fn interned(known: &mut Vec<Rc<str>>, name: &str) -> Rc<str> {
    if let Some(namespace) = known.iter().find(|namespace| &***namespace == name) {
        return namespace.clone();
    }
    let namespace: Rc<str> = name.into();
    known.push(namespace.clone());
    namespace
}

/// The text that an event adds to its element; `None` for a reference to what only a document's own definition knows.
fn text<'a>(event: &'a Event<'_>) -> Option<Cow<'a, str>> {
    Some(match event {
        Event::Text(text) => text.xml10_content(),
        Event::CData(text) => text.xml10_content(),
        Event::GeneralRef(reference) => match reference.resolve_char_ref().ok()? {
            Some(character) => character.to_string().into(),
            None => resolve_predefined_entity(reference)?.into(),
        },
        _ => "".into(),
    })
}

/// The error of reading: the body's own, or that it is no document.
fn why(error: quick_xml::Error) -> Error {
    let own = match &error {
        quick_xml::Error::Io(error) => error.get_ref().and_then(|error| error.downcast_ref::<Error>()).cloned(),
        _ => None,
    };
    own.unwrap_or_else(malformed)
}

/// A body as it arrives. A server that works for long sends white space until it knows the answer; that is left out.
struct Arriving<'a> {
    body: &'a Content,
    at: u64,
    begun: bool,
}

impl Read for Arriving<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let most = u32::try_from(buffer.len()).unwrap_or(u32::MAX);
            let bytes = self.body.read(self.at, most).map_err(io::Error::other)?;
            self.at += bytes.len() as u64;
            let told = if self.begun { &bytes[..] } else { bytes.trim_ascii_start() };
            if told.is_empty() && !bytes.is_empty() {
                continue;
            }
            self.begun = true;
            buffer[..told.len()].copy_from_slice(told);
            return Ok(told.len());
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn elements_have_text_and_children_whatever_their_prefix() {
        let text =
            "<?xml version=\"1.0\"?>\n<s3:List xmlns:s3='x'>\n <A>1 &lt;&amp;&#x41; <![CDATA[<b>]]></A><A>2</A><Empty/><More>true</More></s3:List>";
        let root = Element::parse(text.as_bytes()).unwrap();
        assert_eq!((root.name.as_str(), root.text("A"), root.text("Empty")), ("List", "1 <&A <b>", ""));
        assert_eq!((root.all("A").count(), root.children().count(), root.first("B")), (2, 4, None));
        assert_eq!((&*root.namespace, &*root.first("A").unwrap().namespace), ("x", ""));
        assert!(root.is_true("More") && !root.is_true("A"));
    }

    #[test]
    fn what_is_no_document_is_refused() {
        for text in ["", "Bad gateway", "<a><b></b>", "<a></b>", "<p:a/>", "<a>&unknown;</a>", &"<a>".repeat(100)] {
            assert!(Element::parse(text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn a_document_of_any_length_is_handed_over_piece_by_piece() {
        let item = "<d:i><d:n>a&amp;b</d:n></d:i>";
        let text = format!("  \n<d:all xmlns:d='DAV:'>{}<e xmlns=''/></d:all>\n", item.repeat(20_000));
        let mut seen = Vec::new();
        let mut collect = |element: Element| {
            seen.push((element.name.clone(), element.namespace.to_string(), element.text("n").to_owned()));
            Ok(ControlFlow::Continue(()))
        };
        let root = each(&Content::from_bytes(text.as_bytes()), &mut collect).unwrap().unwrap();
        assert_eq!((root.name.as_str(), root.children.len(), seen.len()), ("all", 0, 20_001));
        assert_eq!((&seen[0].0, &seen[0].1, &seen[19_999].2), (&"i".to_owned(), &"DAV:".to_owned(), &"a&b".to_owned()));
        assert_eq!(seen[20_000].1, "");
        let mut count = 0;
        let mut first = |_| {
            count += 1;
            Ok(ControlFlow::Break(()))
        };
        assert_eq!(each(&Content::from_bytes(text.as_bytes()), &mut first).unwrap(), None);
        assert_eq!(count, 1);
    }

    #[test]
    fn a_document_that_is_cut_off_or_breaks_is_an_error() {
        let mut none = |_| Ok(ControlFlow::Continue(()));
        let cut = each(&Content::from_bytes(b"<a><b/><b/>"), &mut none).unwrap_err();
        assert_eq!(cut.code.as_deref(), Some("MalformedResponse"));
        let broken = each(&crate::testing::content::breaking("<a><b/>"), &mut none).unwrap_err();
        assert_eq!(broken.message, "the client went away");
        let endless = format!("<a><b>{}</b></a>", "x".repeat(9 << 20));
        assert!(each(&Content::from_bytes(endless.as_bytes()), &mut none).is_err());
    }
}
