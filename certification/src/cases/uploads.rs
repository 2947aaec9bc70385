//! Uploads that go wrong: twice, half, with the wrong names, by two owners, across instances and processes.

use bytes::Bytes;
use cofferdam::{Condition, Content, ErrorKind, FoundPart, Interface, Mount, Part, PartId, Result, StreamingStore, UploadToken, WrittenPart};
use futures::{SinkExt, StreamExt, channel::mpsc};

use super::parts::{Upload, found_of};
use crate::case::{OUTLIVES, STREAMING, UPLOAD_LISTING, UPLOADS, WRITABLE, cases};
use crate::context::Context;
use crate::scratch::bytes_below;
use crate::steps::{at, holds, lacks, refused, typed};
use crate::verdict::{Stop, Verdict, ensure, failed};
use crate::worker::Order;

cases! {
    "upload.complete-twice", "a second `complete` with the same parts gives the same answer or `upload-expired`, and changes nothing",
        [STREAMING, WRITABLE, UPLOADS] => complete_twice;
    "upload.complete-missing", "a part that was never written, a gap and an overlap are `invalid-argument`, and the upload stays usable",
        [STREAMING, WRITABLE, UPLOADS] => complete_missing;
    "upload.abort", "after `abort`, `write-part` and `complete` are `upload-expired` or `not-found`; the storage is released; twice succeeds",
        [STREAMING, WRITABLE, UPLOADS] => abort;
    "upload.other-instance", "tokens and part ids work on a fresh instance and after the host restarted",
        [STREAMING, WRITABLE, UPLOADS, OUTLIVES] => other_instance;
    "upload.two-on-one-path", "two uploads to one path never mix: the last to complete wins whole",
        [STREAMING, WRITABLE, UPLOADS] => two_on_one_path;
    "upload.fenced", "a part of writer 1, held back until writer 2 has written the same offsets and completed, changes nothing, then or later",
        [STREAMING, WRITABLE, UPLOADS] => fenced;
    "upload.part-fails", "a part that failed does not count, a new number succeeds, and nothing of the failed one is in the object",
        [STREAMING, WRITABLE, UPLOADS] => part_fails;
    "upload.garbage-token", "tokens of no bytes, of 10 kB, of another upload and `../x` are `upload-expired`, `not-found` or `invalid-argument`",
        [STREAMING, WRITABLE, UPLOADS] => garbage_token;
    "upload.listing", "`find` shows what is unfinished, page by page",
        [STREAMING, WRITABLE, UPLOADS, UPLOAD_LISTING] => listing;
    "upload.written", "`written` has each part with its number, its length and the id that `write-part` answered, and `complete` takes them",
        [STREAMING, WRITABLE, UPLOADS, UPLOAD_LISTING] => written;
}

/// What an upload that is over answers.
const OVER: &[ErrorKind] = &[ErrorKind::UploadExpired, ErrorKind::NotFound];

const WRONG: &[ErrorKind] = &[ErrorKind::InvalidArgument];

async fn complete_twice(context: &Context) -> Verdict {
    let mount = context.mount().await?;
    let size = context.part_size();
    let upload = Upload::begin(context, &mount, "/twice", 2 * size).await?;
    let parts = upload.all_parts(size).await?;
    let first = upload.completes(&parts, "the first `complete`").await?;
    match upload.complete(&parts).await {
        Ok(second) => ensure!(
            (second.size, &second.etag) == (first.size, &first.etag),
            "the second `complete` answers {second:?}, the first answered {first:?}"
        ),
        again => refused(again, &[ErrorKind::UploadExpired], "a second `complete`, if it is refused,")?,
    }
    holds(&mount, &upload.path, &upload.data, "after a second `complete`").await
}

async fn complete_missing(context: &Context) -> Verdict {
    let mount = context.mount().await?;
    let size = context.part_size();
    let upload = Upload::begin(context, &mount, "/missing", 3 * size).await?;
    let parts = upload.all_parts(size).await?;
    let wrong = |change: fn(&mut Vec<WrittenPart>)| {
        let mut parts = parts.clone();
        change(&mut parts);
        parts
    };
    let garbage = PartId::new("no-driver-ever-answered-this")?;
    let mut never = parts.clone();
    never[1].id = garbage;
    let lists = [
        (never, "a part id that was never answered"),
        (wrong(|parts| drop(parts.remove(1))), "a gap between its parts"),
        (wrong(|parts| parts[1].offset -= 1), "parts that overlap"),
        (wrong(|parts| parts[2].number = 17), "a part number that was never written"),
    ];
    for (parts, what) in lists {
        refused(upload.complete(&parts).await, WRONG, format_args!("`complete` with {what}"))?;
        lacks(&mount, &upload.path, &format!("after a `complete` with {what}")).await?;
    }
    upload.completes(&parts, "the same upload with its true parts").await.map(drop)
}

async fn abort(context: &Context) -> Verdict {
    let mount = context.mount().await?;
    let size = context.part_size().max(context.fitting(1 << 20) / 2).min(context.claims().part_max.unwrap_or(u64::MAX));
    let upload = Upload::begin(context, &mount, "/abort", 2 * size).await?;
    let parts = [upload.part(1, 0, size).await?];
    mount.abort_upload(&upload.token).await?;
    refused(upload.try_part(2, size, size).await, OVER, "`write-part` after `abort`")?;
    refused(upload.complete(&parts).await, OVER, "`complete` after `abort`")?;
    mount.abort_upload(&upload.token).await.map_err(|error| Stop::Failed(format!("`abort` twice must succeed: {error}")))?;
    lacks(&mount, &upload.path, "after `abort`").await?;
    if mount.has(Interface::UploadListing) {
        let (found, _) = mount.find_uploads(None, 100).await?;
        ensure!(found.iter().all(|found| found.token != upload.token), "`find` shows an upload that was aborted");
        refused(mount.written_parts(&upload.token).await, OVER, "`written` after `abort`")?;
    }
    for place in context.places() {
        let left = bytes_below(place)?;
        ensure!(left < size, "{left} bytes are in the granted directory after the only upload, with a part of {size} bytes, was aborted");
    }
    Ok(())
}

async fn other_instance(context: &Context) -> Verdict {
    let (size, first) = (context.part_size(), context.mount().await?);
    let upload = Upload::begin(context, &first, "/instances/one", 3 * size).await?;
    let mut parts = vec![upload.part(1, 0, size).await?];
    first.empty_pool().await;
    parts.push(upload.part(2, size, size).await?);
    let second = context.mount().await?;
    let moved = Upload { mount: &second, path: upload.path.clone(), token: upload.token.clone(), data: upload.data };
    parts.push(moved.part(3, 2 * size, size).await?);
    drop(first.clone());
    let third = context.mount().await?;
    let moved = Upload { mount: &third, ..moved };
    moved.completes(&parts, "an upload of four instances").await?;
    if !context.claims().shared || context.options().worker.is_none() {
        context.note("left out: the same after a host process was killed, since no worker command was given or the driver is not `shared`");
        return Ok(());
    }
    let (path, data) = (at("/instances/killed")?, context.data(2 * size));
    let mut worker = context.worker().await?;
    let token = worker.tell(Order::CreateUpload { path: path.to_string() }).await?;
    // A part's bytes must be its own data from offset 0 here: the worker is told what to make, not given it.
    let head = context.data(size);
    let id = worker.tell(Order::WritePart { token: token.clone(), number: 1, offset: 0, writer: 1, data: head }).await?;
    worker.kill()?;
    let token = UploadToken::new(token)?;
    let part = Part { number: 2, offset: size, writer: 2 };
    let second = third.write_part(&token, part, Content::from_bytes(data.piece(0, size))).await?;
    let parts = [
        WrittenPart { number: 1, offset: 0, length: size, writer: 1, id: PartId::new(id)? },
        WrittenPart { number: 2, offset: size, length: size, writer: 2, id: second },
    ];
    third.complete_upload(&token, &parts, &path, Condition::Unconditional).await?;
    let opened = third.open(&path, cofferdam::ByteRange::Bounded { offset: 0, length: size }).await?;
    head.compare(opened.content, 0, size, "the part of a host that was killed").await?;
    let opened = third.open(&path, cofferdam::ByteRange::StartingAt(size)).await?;
    data.compare(opened.content, 0, size, "the part of the host that went on").await
}

async fn two_on_one_path(context: &Context) -> Verdict {
    let mount = context.mount().await?;
    let size = context.part_size();
    let one = Upload::begin(context, &mount, "/two", 2 * size + 500).await?;
    let other = Upload::begin(context, &mount, "/two", 2 * size + 900).await?;
    ensure!(one.token != other.token, "two uploads have one token");
    let (mut ones, mut others) = (Vec::new(), Vec::new());
    for number in 1..=3 {
        let offset = u64::from(number - 1) * size;
        ones.push(one.part(number, offset, size).await?);
        others.push(other.part(number, offset, size).await?);
    }
    one.completes(&ones, "the first of two uploads").await?;
    match other.complete(&others).await {
        Ok(_) => holds(&mount, &other.path, &other.data, "the second of two uploads").await,
        lost => {
            refused(lost, &[ErrorKind::UploadExpired], "`complete` of the second upload, if it is refused,")?;
            holds(&mount, &one.path, &one.data, "the first of two uploads, after the second was refused").await
        }
    }
}

async fn fenced(context: &Context) -> Verdict {
    let mount = context.mount().await?;
    let size = context.part_size();
    let upload = Upload::begin(context, &mount, "/fenced", size).await?;
    let stale = context.data(size);
    let (mut sender, receiver) = mpsc::channel::<Result<Bytes>>(0);
    let held_back = Content::live(receiver.boxed(), Some(size));
    let first = tokio::spawn({
        let (mount, token) = (mount.clone(), upload.token.clone());
        async move { mount.write_part(&token, Part { number: 1, offset: 0, writer: 1 }, held_back).await }
    });
    // The channel holds one item: when the second is taken, the first has been read.
    let half = size / 2;
    for from in [0, half / 2] {
        let piece = stale.piece(from, half / 2);
        sender.send(Ok(piece)).await.map_err(|_| Stop::Failed("`write-part` gave up content that had not ended".to_owned()))?;
    }
    let id = mount.write_part(&upload.token, Part { number: 2, offset: 0, writer: 2 }, upload.data.content().await?).await?;
    let parts = [WrittenPart { number: 2, offset: 0, length: size, writer: 2, id }];
    upload.completes(&parts, "what writer 2 completed").await?;
    let _ = sender.send(Ok(stale.piece(half / 2 * 2, size))).await;
    drop(sender);
    if let Err(error) = first.await? {
        typed(&error, "`write-part` of a writer whose upload was completed by another")?;
    }
    holds(&mount, &upload.path, &upload.data, "after the part of an earlier writer has ended").await?;
    let late = mount.write_part(&upload.token, Part { number: 3, offset: 0, writer: 1 }, stale.content().await?).await;
    refused(late, OVER, "`write-part` after `complete`")?;
    holds(&mount, &upload.path, &upload.data, "after a late part of an earlier writer").await?;
    mount.abort_upload(&upload.token).await?;
    holds(&mount, &upload.path, &upload.data, "after a late `abort`").await
}

async fn part_fails(context: &Context) -> Verdict {
    let mount = context.mount().await?;
    let size = context.part_size();
    // The failed part is longer than what takes its place: a tail of it would show.
    let longer = context.data(context.claims().part_max.map_or(4 * size, |max| max.min(4 * size)));
    let upload = Upload::begin(context, &mount, "/fails", 2 * size).await?;
    let first = upload.part(1, 0, size).await?;
    let part = Part { number: 2, offset: size, writer: 1 };
    match mount.unchecked().write_part(upload.token.as_str(), part, longer.breaking()).await {
        Ok(_) => return failed("`write-part` of content that broke off half-way succeeded"),
        Err(error) => typed(&error, "`write-part` of content that broke off half-way")?,
    }
    if mount.has(Interface::UploadListing) {
        let written = mount.written_parts(&upload.token).await?;
        ensure!(written.iter().all(|part| part.number != 2), "`written` counts a part that failed");
    }
    let second = upload.part(3, size, size).await?;
    upload.completes(&[first, second], "after a part that failed was written again").await.map(drop)
}

async fn garbage_token(context: &Context) -> Verdict {
    const GARBAGE: &[ErrorKind] = &[ErrorKind::UploadExpired, ErrorKind::NotFound, ErrorKind::InvalidArgument];
    let mount = context.mount().await?;
    let size = context.part_size();
    let victim = Upload::begin(context, &mount, "/garbage/victim", size).await?;
    let parts = victim.all_parts(size).await?;
    let token = victim.token.as_str();
    let mut shorter = token.to_owned();
    shorter.pop();
    let mut tokens = vec![String::new(), "x".repeat(10_000), "../x".to_owned(), "/".to_owned(), "a\0b".to_owned(), "eyJ1cGxvYWQiOiI3In0=".to_owned()];
    tokens.extend([format!("{token}/../{token}"), format!("{token}x"), shorter]);
    for garbage in &tokens {
        let shown: String = garbage.chars().take(40).collect();
        let unchecked = mount.unchecked();
        let part = Part { number: 1, offset: 0, writer: 1 };
        let answered = unchecked.write_part(garbage, part, Content::from_bytes("not to be stored")).await;
        refused(answered, GARBAGE, format_args!("`write-part` for the token {shown:?}"))?;
        let answered = unchecked.complete_upload(garbage, &parts, "/garbage/made", Condition::Unconditional).await;
        refused(answered, GARBAGE, format_args!("`complete` for the token {shown:?}"))?;
        if let Err(error) = unchecked.abort_upload(garbage).await {
            refused(Err::<(), _>(error), GARBAGE, format_args!("`abort` for the token {shown:?}, if it is refused,"))?;
        }
    }
    lacks(&mount, &at("/garbage/made")?, "after tokens that are none").await?;
    // The parts of one upload are nothing to another.
    let other = Upload::begin(context, &mount, "/garbage/other", size).await?;
    refused(other.complete(&parts).await, WRONG, "`complete` with the parts of another upload")?;
    lacks(&mount, &other.path, "after a `complete` with the parts of another upload").await?;
    victim.completes(&parts, "an upload after others were asked for in its name").await.map(drop)
}

/// Everything that `find` shows, in pages of `limit`.
async fn found(mount: &Mount, limit: u32) -> Verdict<Vec<UploadToken>> {
    let (mut tokens, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let (page, next) = mount.find_uploads(cursor.as_deref(), limit).await?;
        ensure!(page.len() <= limit as usize, "`find` shows {} uploads where at most {limit} were asked for", page.len());
        tokens.extend(page.into_iter().map(|found| found.token));
        ensure!(tokens.len() < 1000, "`find` does not come to an end");
        match next {
            Some(next) => cursor = Some(next),
            None => return Ok(tokens),
        }
    }
}

/// The parts that `written` answered, one behind the other and by the first writer: all that somebody without a journal can know.
fn joined(found: Vec<FoundPart>) -> Vec<WrittenPart> {
    let mut end = 0;
    let follow = |FoundPart { number, length, id }| {
        let offset = end;
        end += length;
        WrittenPart { number, offset, length, writer: 1, id }
    };
    found.into_iter().map(follow).collect()
}

async fn listing(context: &Context) -> Verdict {
    let mount = context.mount().await?;
    let size = context.part_size();
    ensure!(found(&mount, 10).await?.is_empty(), "`find` shows uploads where none was begun");
    let mut uploads = Vec::new();
    for index in 0..5 {
        uploads.push(Upload::begin(context, &mount, &format!("/listing/{}", index / 2), 2 * size).await?);
    }
    for limit in [1, 2, 100] {
        let shown = found(&mount, limit).await?;
        ensure!(shown.len() == 5, "`find` shows {} uploads in pages of {limit}, where 5 are unfinished", shown.len());
        for upload in &uploads {
            ensure!(shown.contains(&upload.token), "`find` does not show the token that `create` answered");
        }
    }
    let parts = uploads[0].all_parts(size).await?;
    uploads[0].completes(&parts, "one of several that `find` showed").await?;
    mount.abort_upload(&uploads[1].token).await?;
    let shown = found(&mount, 100).await?;
    ensure!(shown.len() == 3, "`find` shows {} uploads where one of 5 was completed and one aborted", shown.len());
    Ok(())
}

async fn written(context: &Context) -> Verdict {
    let mount = context.mount().await?;
    let size = context.part_size();
    let (upload, other) = (Upload::begin(context, &mount, "/written", 2 * size).await?, Upload::begin(context, &mount, "/written", size).await?);
    let parts = [upload.part(1, 0, size).await?, upload.part(2, size, size).await?];
    let written = mount.written_parts(&upload.token).await?;
    ensure!(written == found_of(&parts), "`written` answers {written:?} where {parts:?} were written");
    ensure!(mount.written_parts(&other.token).await?.is_empty(), "`written` answers parts of an upload that has none");
    upload.completes(&joined(written), "completed with what `written` answered").await?;
    mount.abort_upload(&other.token).await?;
    for over in [upload, other] {
        refused(mount.written_parts(&over.token).await, OVER, "`written` of an upload that is over")?;
    }
    let unknown = UploadToken::new("nobody-began-this")?;
    refused(
        mount.written_parts(&unknown).await,
        &[ErrorKind::UploadExpired, ErrorKind::NotFound, ErrorKind::InvalidArgument],
        "`written` of a token that is none",
    )
}
