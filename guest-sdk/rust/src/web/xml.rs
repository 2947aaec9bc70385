//! XML: a document read into elements, and text escaped for one that is written.

pub use quick_xml::escape::escape;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::Event;
use quick_xml::name::ResolveResult;
use quick_xml::reader::NsReader;

use super::malformed;
use crate::error::Result;
use crate::host::data::Content;

/// The longest document that is read: a page of 1,000 keys of 1 KiB, each byte of them encoded as three, is half of it.
const DOCUMENT_MAX: u64 = 8 << 20;

/// How deep elements are in one another; S3 has 4, WebDAV 6.
const DEPTH_MAX: usize = 16;

/// An element: its name, its text, what is in it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Element {
    /// Without a prefix.
    pub name: String,
    /// The namespace that its prefix stands for; empty for none.
    pub namespace: String,
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
        // A server that works for long sends white space until it knows the answer.
        std::str::from_utf8(&bytes).ok().and_then(|text| Self::parse(text.trim_ascii_start())).ok_or_else(malformed)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut reader = NsReader::from_str(text);
        let mut open = vec![Self::default()];
        loop {
            let (bound, event) = reader.read_resolved_event().ok()?;
            let namespace = match bound {
                ResolveResult::Bound(namespace) => namespace.as_ref().to_owned(),
                ResolveResult::Unbound => String::new(),
                ResolveResult::Unknown(_) => return None,
            };
            match event {
                Event::Start(start) if open.len() < DEPTH_MAX => {
                    open.push(Self { name: start.local_name().as_ref().to_owned(), namespace, ..Self::default() });
                }
                Event::Start(_) => return None,
                Event::Empty(empty) => {
                    let name = empty.local_name().as_ref().to_owned();
                    open.last_mut()?.children.push(Self { name, namespace, ..Self::default() });
                }
                Event::End(_) => {
                    let element = open.pop()?;
                    open.last_mut()?.children.push(element);
                }
                Event::Text(text) => open.last_mut()?.text.push_str(&text.xml10_content()),
                Event::CData(text) => open.last_mut()?.text.push_str(&text.xml10_content()),
                Event::GeneralRef(reference) => {
                    let character = reference.resolve_char_ref().ok()?;
                    let text = &mut open.last_mut()?.text;
                    match character {
                        Some(character) => text.push(character),
                        None => text.push_str(resolve_predefined_entity(&reference)?),
                    }
                }
                Event::Eof => break,
                Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
            }
        }
        // What is left open was cut off.
        if open.len() == 1 { open.pop()?.children.pop() } else { None }
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn elements_have_text_and_children_whatever_their_prefix() {
        let text =
            "<?xml version=\"1.0\"?>\n<s3:List xmlns:s3='x'>\n <A>1 &lt;&amp;&#x41; <![CDATA[<b>]]></A><A>2</A><Empty/><More>true</More></s3:List>";
        let root = Element::parse(text).unwrap();
        assert_eq!((root.name.as_str(), root.text("A"), root.text("Empty")), ("List", "1 <&A <b>", ""));
        assert_eq!((root.all("A").count(), root.children().count(), root.first("B")), (2, 4, None));
        assert_eq!((root.namespace.as_str(), root.first("A").unwrap().namespace.as_str()), ("x", ""));
        assert!(root.is_true("More") && !root.is_true("A"));
    }

    #[test]
    fn what_is_no_document_is_refused() {
        for text in ["", "Bad gateway", "<a><b></b>", "<a></b>", "<p:a/>", "<a>&unknown;</a>", &"<a>".repeat(100)] {
            assert_eq!(Element::parse(text), None, "{text}");
        }
    }
}
