//! A small, strict reader of the HTML that rakewell writes.

/// An element of a page: its name, its attributes as written, and the text in it (with that of
/// its children, entities resolved).
#[derive(Debug)]
pub struct Element {
    pub name: String,
    pub attributes: Vec<(String, String)>,
    pub text: String,
    /// The elements it lies in, outermost first, as indices into the list.
    pub parents: Vec<usize>,
}

impl Element {
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    pub fn has_class(&self, class: &str) -> bool {
        self.attribute("class").is_some_and(|c| c.split(' ').any(|one| one == class))
    }
}

/// Reads a page into its elements, in order.
///
/// Fails on: tags that do not balance, attributes without quotes or given twice, `<`, `>` or `&`
/// that are not escaped.
pub fn parse(html: &str) -> Result<Vec<Element>, String> {
    const VOID: [&str; 3] = ["meta", "br", "hr"];
    let mut elements: Vec<Element> = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    let body = html.trim_start().strip_prefix("<!DOCTYPE html>").ok_or("no doctype")?;
    let mut rest = body;
    while !rest.is_empty() {
        let Some(tag) = rest.strip_prefix('<') else {
            let end = rest.find('<').unwrap_or(rest.len());
            let in_style = open.last().is_some_and(|&i| elements[i].name == "style");
            let text = if in_style { rest[..end].to_string() } else { unescape(&rest[..end])? };
            for &i in &open {
                elements[i].text.push_str(&text);
            }
            rest = &rest[end..];
            continue;
        };
        let end = tag.find('>').ok_or_else(|| format!("no end of tag: {}", clip(rest)))?;
        let (inside, after) = (&tag[..end], &tag[end + 1..]);
        if let Some(name) = inside.strip_prefix('/') {
            let last = open.pop().ok_or_else(|| format!("</{name}> closes nothing"))?;
            if elements[last].name != name {
                return Err(format!("</{name}> closes <{}>", elements[last].name));
            }
        } else {
            let (inside, closed) = match inside.strip_suffix('/') {
                Some(inside) => (inside, true),
                None => (inside, false),
            };
            let (name, attributes) = inside.split_once(' ').unwrap_or((inside, ""));
            if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric()) {
                return Err(format!("not a tag: {}", clip(rest)));
            }
            elements.push(Element {
                name: name.to_string(),
                attributes: attributes_of(attributes)?,
                text: String::new(),
                parents: open.clone(),
            });
            if !closed && !VOID.contains(&name) {
                open.push(elements.len() - 1);
            }
        }
        rest = after;
    }
    match open.last() {
        Some(&i) => Err(format!("<{}> is never closed", elements[i].name)),
        None => Ok(elements),
    }
}

fn attributes_of(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut found: Vec<(String, String)> = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (name, after) = rest.split_once("=\"").ok_or_else(|| format!("attribute: {rest}"))?;
        let (value, after) = after.split_once('"').ok_or_else(|| format!("attribute: {rest}"))?;
        if found.iter().any(|(n, _)| n == name) || name.contains(char::is_whitespace) {
            return Err(format!("attribute {name:?} in {text}"));
        }
        found.push((name.to_string(), unescape(value)?));
        rest = after.trim_start();
    }
    Ok(found)
}

fn unescape(text: &str) -> Result<String, String> {
    if text.contains('>') {
        return Err(format!("a bare > in {}", clip(text)));
    }
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        let (entity, after) =
            after.split_once(';').ok_or_else(|| format!("a bare & in {}", clip(text)))?;
        out.push(match entity {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "#39" | "#x27" => '\'',
            "#x2f" => '/',
            other => return Err(format!("unknown entity &{other};")),
        });
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

fn clip(text: &str) -> String {
    text.chars().take(60).collect()
}

#[test]
fn the_reader_is_strict() {
    let ok = parse("<!DOCTYPE html><p class=\"a b\">x &lt; <b>y</b></p>").unwrap();
    assert_eq!(ok[0].text, "x < y");
    assert!(ok[0].has_class("b") && ok[1].parents == [0]);
    for bad in [
        "<p>",
        "<p></b>",
        "</p>",
        "<p>&</p>",
        "<p>a>b</p>",
        "<p a=1></p>",
        "<p a=\"1\" a=\"2\"></p>",
        "<p",
    ] {
        assert!(parse(&format!("<!DOCTYPE html>{bad}")).is_err(), "{bad}");
    }
}
