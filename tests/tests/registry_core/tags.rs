//! Tags in order, page by page.

use crate::world::{each, push_image, tags};

#[tokio::test]
async fn tags_are_in_byte_order_on_every_page() {
    each(|world| async move {
        let repository = world.repository("a");
        // `-` and `.` are smaller than `/`, which directories are sorted with; `_` and letters are not.
        let names = ["v1", "v1-a", "v1.0", "v1", "v10", "v1_0", "A", "_", "v1-a.b", "0", "v"];
        for tag in names {
            push_image(&repository, tag, "config", &[]).await;
        }
        let mut expected: Vec<_> = names.to_vec();
        expected.sort_unstable();
        expected.dedup();
        assert_eq!(tags(&repository).await, expected);
        for n in 1..=expected.len() as u32 + 1 {
            let (mut found, mut last): (Vec<String>, Option<String>) = (Vec::new(), None);
            loop {
                let page = repository.tags(last.as_deref(), n).await.unwrap();
                assert!(page.names.len() <= n as usize);
                found.extend(page.names);
                last = found.last().cloned();
                if !page.more {
                    break;
                }
            }
            assert_eq!(found, expected, "by {n}");
        }
        assert_eq!(repository.tags(Some("v1-"), 2).await.unwrap().names, ["v1-a", "v1-a.b"], "`last` need not exist");
        assert!(repository.tags(Some("z"), 2).await.unwrap().names.is_empty());
        assert!(repository.tags(None, 0).await.unwrap().names.is_empty());
    })
    .await;
}
