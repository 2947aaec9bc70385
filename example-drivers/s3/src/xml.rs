//! S3's XML: a document read into elements, and text escaped for one that is written.

use cofferdam_guest::prelude::*;
use quick_xml::Reader;
pub(crate) use quick_xml::escape::escape;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::Event;

/// The longest document that is read: a page of 1,000 keys of 1 KiB, each byte of them encoded as three, is half of it.
const DOCUMENT_MAX: u64 = 8 << 20;

/// How deep elements are in one another; S3 has 4.
const DEPTH_MAX: usize = 16;

/// An element: its name without a namespace, its text, what is in it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Element {
    pub(crate) name: String,
    text: String,
    children: Vec<Element>,
}

impl Element {
    /// Reads a document that is a body of a response.
    ///
    /// # Errors
    /// `unavailable`, so that the host asks again, for what is no XML: a cut answer, or a proxy's page; what reading the body answers.
    pub(crate) fn read(body: &Content) -> Result<Self> {
        let bytes = body.bytes(DOCUMENT_MAX)?;
        // A server that works for long sends white space until it knows the answer.
        std::str::from_utf8(&bytes).ok().and_then(|text| Self::parse(text.trim_ascii_start())).ok_or_else(malformed)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut reader = Reader::from_str(text);
        let mut open = vec![Self::default()];
        loop {
            match reader.read_event().ok()? {
                Event::Start(start) if open.len() < DEPTH_MAX => {
                    open.push(Self { name: start.local_name().as_ref().to_owned(), ..Self::default() });
                }
                Event::Start(_) => return None,
                Event::Empty(empty) => {
                    let name = empty.local_name().as_ref().to_owned();
                    open.last_mut()?.children.push(Self { name, ..Self::default() });
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

    /// The text of the first element of that name; empty if there is none.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.all(name).next().map_or("", |child| child.text.trim())
    }

    /// The elements of that name, in order.
    pub(crate) fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// Whether the first element of that name says `true`.
    pub(crate) fn is_true(&self, name: &str) -> bool {
        self.text(name).eq_ignore_ascii_case("true")
    }
}

/// What an answer is that is not XML, or lacks what it must have.
pub(crate) fn malformed() -> Error {
    Error::unavailable("the server's answer is not what S3 answers").with_code("MalformedResponse")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn elements_have_text_and_children_without_namespaces() {
        let text =
            "<?xml version=\"1.0\"?>\n<s3:List xmlns:s3='x'>\n <A>1 &lt;&amp;&#x41; <![CDATA[<b>]]></A><A>2</A><Empty/><More>true</More></s3:List>";
        let root = Element::parse(text).unwrap();
        assert_eq!((root.name.as_str(), root.text("A"), root.text("Empty")), ("List", "1 <&A <b>", ""));
        assert_eq!(root.all("A").count(), 2);
        assert!(root.is_true("More") && !root.is_true("A"));
    }

    #[test]
    fn what_is_no_document_is_refused() {
        for text in ["", "Bad gateway", "<a><b></b>", "<a></b>", "<a>&unknown;</a>", &"<a>".repeat(100)] {
            assert_eq!(Element::parse(text), None, "{text}");
        }
    }
}
