//! Several processes, or clients, on one upload lose and mix nothing.

use std::time::Duration;

use bytes::Bytes;
use cofferdam::upload::UploadError;
use futures::{StreamExt, stream};

use super::{KINDS, Stage, content, destination};

#[tokio::test]
async fn of_two_that_send_the_same_offset_one_is_taken() {
    for kind in KINDS {
        let stage = Stage::new(*kind).await;
        let (one, other, id) = (stage.process(), stage.process(), stage.id());
        let mut whole = Vec::new();
        for round in 0..12u8 {
            let offset = whole.len() as u64;
            let (ours, theirs) = (vec![round; 40], vec![round + 100; 70]);
            let (first, second) = tokio::join!(one.append(&id, offset, &ours), other.append(&id, offset, &theirs));
            match (&first, &second) {
                (Ok(_), Err(UploadError::WrongOffset { offset: at } | UploadError::Busy { offset: at })) => {
                    whole.extend(&ours);
                    assert!(*at == offset || *at == whole.len() as u64);
                }
                (Err(UploadError::WrongOffset { .. } | UploadError::Busy { .. }), Ok(_)) => whole.extend(&theirs),
                both => panic!("{}, round {round}: {both:?}", kind.name),
            }
            assert_eq!(one.uploads.status(&id).await.unwrap(), whole.len() as u64);
            assert_eq!(other.uploads.status(&id).await.unwrap(), whole.len() as u64);
        }
        one.finish(&id, &whole).await.unwrap();
        assert_eq!(stage.read(&destination()).await.unwrap(), whole, "{}", kind.name);
    }
}

#[tokio::test]
async fn two_clients_of_one_process_take_turns() {
    for kind in KINDS {
        let stage = Stage::new(*kind).await;
        let (process, id) = (stage.process(), stage.id());
        let (first, second) = tokio::join!(process.append(&id, 0, &[1; 300]), process.append(&id, 0, &[2; 300]));
        assert_eq!(usize::from(first.is_ok()) + usize::from(second.is_ok()), 1, "{first:?} {second:?}");
        let whole = vec![if first.is_ok() { 1 } else { 2 }; 300];
        process.finish(&id, &whole).await.unwrap();
        assert_eq!(stage.read(&destination()).await.unwrap(), whole);
    }
}

#[tokio::test]
async fn who_is_stopped_at_any_operation_and_wakes_up_late_mixes_nothing_in() {
    for kind in KINDS {
        for operation in 0.. {
            let stage = Stage::new(*kind).await;
            let (stopped, other, id) = (stage.process(), stage.process(), stage.id());
            let told = format!("{}, operation {operation}", kind.name);
            let mut whole = content(300);
            stopped.append(&id, 0, &whole).await.unwrap();
            stopped.store.stop_after(operation);
            let (answer, mut late) = tokio::sync::oneshot::channel();
            let (process, name) = (stopped.clone(), id.clone());
            let thread = std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
                let _ = answer.send(runtime.block_on(process.append(&name, 300, &[9; 400])));
            });
            tokio::select! {
                biased;
                () = stopped.store.stopped() => {}
                answered = &mut late => {
                    assert_eq!(answered.unwrap().unwrap(), 700);
                    thread.join().unwrap();
                    break;
                }
            }
            // Its lease runs out, since it renews nothing; the other goes on from what is durable.
            let taken = other.uploads.status(&id).await.unwrap();
            let next = match other.append(&id, taken, &[5; 250]).await {
                // What the stopped one was writing became durable after all.
                Err(UploadError::WrongOffset { offset }) => {
                    assert_eq!((taken, offset), (300, 700), "{told}");
                    whole.extend([9; 400]);
                    other.append(&id, 700, &[5; 250]).await
                }
                next => {
                    whole.extend(vec![9; taken as usize - 300]);
                    next
                }
            };
            whole.extend([5; 250]);
            assert_eq!(next.unwrap(), whole.len() as u64, "{told}");
            stopped.store.go_on();
            let answered = late.await.unwrap();
            thread.join().unwrap();
            if let Ok(acknowledged) = answered {
                assert!(acknowledged <= whole.len() as u64 - 250, "{told}: it was acknowledged what does not count");
            }
            other.append(&id, whole.len() as u64, b"end").await.unwrap();
            whole.extend(b"end");
            other.finish(&id, &whole).await.unwrap();
            assert_eq!(stage.read(&destination()).await.unwrap(), whole, "{told}");
        }
    }
}

#[tokio::test]
async fn who_wakes_up_after_its_lease_and_can_write_is_acknowledged_nothing() {
    for kind in KINDS {
        let stage = Stage::new(*kind).await;
        // Renewals come every third of a lease: one that is stopped wholly renews none, so its lease is as short as can be.
        let stopped = stage.process_with(Duration::from_millis(40), Duration::from_secs(10));
        let (other, id, whole) = (stage.process(), stage.id(), content(900));
        stopped.append(&id, 0, &whole[..300]).await.unwrap();
        stopped.uploads.close().await;
        // The other has the lease now, and lets the stopped one believe that it still has: its next append meets a changed head.
        assert_eq!(other.append(&id, 300, &whole[300..600]).await.unwrap(), 600);
        let answered = stopped.append(&id, 300, &[9; 100]).await;
        assert!(matches!(answered, Err(UploadError::WrongOffset { offset: 600 })), "{}: {answered:?}", kind.name);
        assert_eq!(stopped.append(&id, 600, &whole[600..]).await.unwrap(), 900);
        other.finish(&id, &whole).await.unwrap();
        assert_eq!(stage.read(&destination()).await.unwrap(), whole, "{}", kind.name);
    }
}

#[tokio::test]
async fn a_live_lease_is_not_taken() {
    let stage = Stage::new(KINDS[1]).await;
    let (owner, id) = (stage.process_with(Duration::from_secs(60), Duration::from_secs(1)), stage.id());
    let other = stage.process_with(Duration::from_secs(60), Duration::from_millis(10));
    owner.append(&id, 0, &[1; 10]).await.unwrap();
    // It is in the middle of an append for as long as its client says nothing.
    let (sender, receiver) = futures::channel::mpsc::unbounded();
    sender.unbounded_send(Ok(Bytes::from_static(b"abc"))).unwrap();
    let (uploads, name) = (owner.uploads.clone(), id.clone());
    let appending = tokio::spawn(async move { uploads.append(&name, Some(10), None, receiver).await });
    let refused = other.append(&id, 10, &[2; 10]).await;
    assert!(matches!(refused, Err(UploadError::Busy { offset: 10 })), "{refused:?}");
    drop(sender);
    assert_eq!(appending.await.unwrap().unwrap(), 13);
    owner.uploads.close().await;
    assert_eq!(other.append(&id, 13, &[2; 10]).await.unwrap(), 23);
}

#[tokio::test]
async fn what_arrived_before_the_client_went_away_is_kept() {
    for kind in KINDS {
        let stage = Stage::new(*kind).await;
        let (process, id, whole) = (stage.process(), stage.id(), content(1000));
        let broken = super::frames(&whole[..777]).chain(stream::iter([Err(cofferdam::Error::new(cofferdam::ErrorKind::Unavailable, "gone"))]));
        let answered = process.uploads.append(&id, Some(0), Some(1000), broken).await;
        assert!(matches!(answered, Err(UploadError::Interrupted { offset: 777 })), "{}: {answered:?}", kind.name);
        assert_eq!(process.uploads.status(&id).await.unwrap(), 777);
        process.append(&id, 777, &whole[777..]).await.unwrap();
        process.finish(&id, &whole).await.unwrap();
        assert_eq!(stage.read(&destination()).await.unwrap(), whole);
    }
}
