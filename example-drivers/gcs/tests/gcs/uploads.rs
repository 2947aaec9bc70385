//! Uploads: against a small bucket, and against answers.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use cofferdam_guest::testing::content;

use super::*;

/// What is in the bucket: each object's bytes and generation.
type Objects = Rc<RefCell<BTreeMap<String, (Vec<u8>, u64)>>>;

fn decoded(text: &str) -> String {
    cofferdam_guest::web::urls::decoded(text)
}

/// Answers as GCS does, with its preconditions.
fn bucket(objects: &Objects) -> impl FnMut(&Asked) -> Result<Answer> + 'static {
    let (objects, mut last) = (Rc::clone(objects), 0);
    move |asked| {
        let mut objects = objects.borrow_mut();
        let (route, query) = asked.url.strip_prefix(SERVER).unwrap().split_once('?').unwrap_or((asked.url.strip_prefix(SERVER).unwrap(), ""));
        let query: BTreeMap<String, String> =
            query.split('&').filter_map(|pair| pair.split_once('=')).map(|(name, value)| (name.to_owned(), decoded(value))).collect();
        let described = |name: &str, (bytes, generation): &(Vec<u8>, u64)| object(name, bytes.len() as u64, &generation.to_string());
        let unmet = || error(412, "conditionNotMet", "It did not hold.");
        let holds = |present: Option<&(Vec<u8>, u64)>| {
            let wanted = query.get("ifGenerationMatch").map(|wanted| wanted.parse::<u64>().unwrap());
            wanted.is_none_or(|wanted| wanted == present.map_or(0, |(_, generation)| *generation))
        };
        let mut made = |objects: &mut BTreeMap<_, _>, name: &str, bytes: Vec<u8>| {
            if !holds(objects.get(name)) {
                return unmet();
            }
            last += 1;
            objects.insert(name.to_owned(), (bytes, last));
            described(name, &objects[name])
        };
        if route.starts_with("/upload/") {
            return Ok(made(&mut objects, &query["name"], asked.body.clone().unwrap()));
        }
        let Some(name) = route.strip_prefix("/storage/v1/b/blobs/o/") else {
            let found: Vec<_> = objects.iter().filter(|(name, _)| name.starts_with(&query["prefix"])).collect();
            if !query.contains_key("delimiter") {
                let items: Vec<_> =
                    found.iter().map(|(name, (bytes, generation))| resource(name, bytes.len() as u64, &generation.to_string())).collect();
                return Ok(answer(200, &json!({ "items": items })));
            }
            let mut folders: Vec<_> = found.iter().map(|(name, _)| format!("{}/", name.rsplit_once('/').unwrap().0)).collect();
            folders.dedup();
            return Ok(answer(200, &json!({ "prefixes": folders })));
        };
        if let Some(name) = name.strip_suffix("/compose") {
            let body: Value = serde_json::from_str(&asked.text()).unwrap();
            let mut bytes = Vec::new();
            let sources = body["sourceObjects"].as_array().unwrap();
            assert!((1..=32).contains(&sources.len()), "{} sources", sources.len());
            for source in sources {
                let Some((piece, generation)) = objects.get(source["name"].as_str().unwrap()) else { return Ok(missing()) };
                if source["objectPreconditions"]["ifGenerationMatch"] != json!(generation.to_string()) {
                    return Ok(unmet());
                }
                bytes.extend_from_slice(piece);
            }
            return Ok(made(&mut objects, &decoded(name), bytes));
        }
        let name = decoded(name);
        Ok(match (asked.method.as_str(), objects.get(&name)) {
            (_, None) => missing(),
            ("DELETE", Some(_)) => {
                objects.remove(&name);
                Answer::new(204)
            }
            (_, Some(found)) => described(&name, found),
        })
    }
}

fn served() -> (Gcs, Objects) {
    let (driver, objects) = (start(&[]), Objects::default());
    driver.serve(bucket(&objects));
    (driver, objects)
}

fn write(driver: &mut Gcs, token: &str, number: u32, offset: u64, bytes: &str) -> Result<WrittenPart> {
    let id = driver.write_part(token, Part { number, offset, writer: 1 }, content::held(bytes))?;
    Ok(WrittenPart { number, offset, length: bytes.len() as u64, writer: 1, id })
}

fn names(objects: &Objects) -> Vec<String> {
    objects.borrow().keys().cloned().collect()
}

#[test]
fn parts_are_composed_anywhere_and_nothing_is_left() {
    let (mut driver, objects) = served();
    let token = driver.create(&path("/up/1")).unwrap();
    let second = write(&mut driver, &token, 7, 5, " there").unwrap();
    let first = write(&mut driver, &token, 2, 0, "hello").unwrap();
    write(&mut driver, &token, 9, 11, "dropped").unwrap();
    assert!(names(&objects).iter().all(|name| name.starts_with("+cofferdam/uploads/")), "nothing shows before");
    assert_eq!(driver.written(&token).unwrap()[..2], [first.clone(), second.clone()].map(FoundPart::from));
    let info = driver.complete(&token, vec![second.clone(), first.clone()], &path("/elsewhere"), Condition::IfAbsent).unwrap();
    assert_eq!((info.path.as_str(), info.size), ("/elsewhere", 11));
    assert_eq!(objects.borrow()["elsewhere"].0, b"hello there");
    assert_eq!(names(&objects), ["elsewhere"]);
    let again = driver.complete(&token, vec![first, second], &path("/elsewhere"), Condition::Unconditional);
    assert_eq!(again.unwrap_err().kind, ErrorKind::UploadExpired);
}

#[test]
fn many_parts_are_composed_in_rounds() {
    let (mut driver, objects) = served();
    let token = driver.create(&path("/many")).unwrap();
    let parts: Vec<_> =
        (0..1100_u32).map(|index| write(&mut driver, &token, index + 1, u64::from(index) * 4, &format!("{index:04}")).unwrap()).collect();
    driver.requests();
    assert_eq!(driver.complete(&token, parts, &path("/many"), Condition::Unconditional).unwrap().size, 4400);
    let composed = driver.requests().iter().filter(|asked| asked.url.contains("/compose")).count();
    assert_eq!(composed, 35 + 2 + 1);
    let expected: String = (0..1100).map(|index| format!("{index:04}")).collect();
    assert_eq!(objects.borrow()["many"].0, expected.into_bytes());
    assert_eq!(names(&objects), ["many"]);
}

#[test]
fn after_its_end_a_part_removes_itself() {
    let (mut driver, objects) = served();
    let token = driver.create(&path("/up")).unwrap();
    let part = write(&mut driver, &token, 1, 0, "hello").unwrap();
    driver.abort(&token).unwrap();
    assert_eq!(write(&mut driver, &token, 2, 5, "x").unwrap_err().kind, ErrorKind::UploadExpired);
    assert_eq!(driver.complete(&token, vec![part], &path("/up"), Condition::Unconditional).unwrap_err().kind, ErrorKind::UploadExpired);
    assert_eq!(driver.written(&token).unwrap_err().kind, ErrorKind::UploadExpired);
    driver.abort(&token).unwrap();
    assert_eq!(names(&objects), [""; 0]);
}

#[test]
fn what_is_wrong_with_parts_changes_nothing() {
    let (mut driver, objects) = served();
    let token = driver.create(&path("/up")).unwrap();
    let part = write(&mut driver, &token, 1, 0, "hello").unwrap();
    let other = driver.create(&path("/up")).unwrap();
    let mut complete = |token: &str, part: WrittenPart, condition| driver.complete(token, vec![part], &path("/up"), condition).unwrap_err().kind;
    for wrong in [
        WrittenPart { offset: 1, ..part.clone() },
        WrittenPart { number: 17, ..part.clone() },
        WrittenPart { writer: 2, ..part.clone() },
        WrittenPart { id: "no-driver-ever-answered-this".to_owned(), ..part.clone() },
        WrittenPart { id: format!("{}0", part.id), ..part.clone() },
    ] {
        assert_eq!(complete(&token, wrong, Condition::Unconditional), ErrorKind::InvalidArgument);
    }
    assert_eq!(complete(&other, part.clone(), Condition::Unconditional), ErrorKind::InvalidArgument, "the part of another");
    assert_eq!(complete(&token, part.clone(), Condition::IfMatch("1".to_owned())), ErrorKind::Unsupported);
    objects.borrow_mut().insert("up".to_owned(), (b"old".to_vec(), 1000));
    assert_eq!(complete(&token, part.clone(), Condition::IfAbsent), ErrorKind::AlreadyExists);
    assert_eq!(objects.borrow()["up"].0, b"old");
    assert_eq!(driver.complete(&token, vec![part], &path("/up"), Condition::Unconditional).unwrap().size, 5, "it stayed usable");
    for garbage in ["", "x", "../x", &token[1..], &format!("{token}x")] {
        assert_eq!(driver.abort(garbage).unwrap_err().kind, ErrorKind::InvalidArgument);
    }
    for number in [0, 10_001] {
        assert_eq!(write(&mut driver, &other, number, 0, "x").unwrap_err().kind, ErrorKind::InvalidArgument);
    }
}

#[test]
fn no_parts_make_an_empty_object() {
    let (mut driver, objects) = served();
    let token = driver.create(&path("/empty")).unwrap();
    assert_eq!(driver.complete(&token, Vec::new(), &path("/empty"), Condition::Unconditional).unwrap().size, 0);
    assert_eq!(names(&objects), ["empty"]);
}

#[test]
fn unfinished_uploads_are_found_page_by_page_also_where_a_server_has_no_pages() {
    let (mut driver, _) = served();
    let mut begun: Vec<_> = (0..3).map(|_| driver.create(&path("/up")).unwrap()).collect();
    begun.sort();
    let (mut shown, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let (page, next) = driver.find(cursor.as_deref(), 1).unwrap();
        assert!(page.len() <= 1 && page.iter().all(|found| found.created.is_some()));
        shown.extend(page.into_iter().map(|found| found.token));
        cursor = next;
        if cursor.is_none() {
            break;
        }
    }
    shown.sort();
    assert_eq!(shown, begun);
    assert_eq!(driver.find(Some("x"), 1).unwrap_err().kind, ErrorKind::InvalidArgument);
}
