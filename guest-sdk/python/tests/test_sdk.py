"""The SDK outside of a component, against the generated bindings with stand-ins for what the host does.

    componentize-py -d wit -w everything bindings target/bindings
    PYTHONPATH=target/bindings:guest-sdk/python/src python3 -m unittest discover guest-sdk/python/tests
"""

import unittest
from dataclasses import dataclass
from types import SimpleNamespace
from unittest import mock

import cofferdam
from cofferdam import Claims, InvalidArgument, InvalidPath, ListOptions, NotFound, PageBuilder, _check, _export, object_info, paths, settings
from componentize_py_types import Err, Ok
from wit_world.imports import store_types as wit


@dataclass(frozen=True)
class Settings:
    bucket: str = cofferdam.setting("Where")
    tries: int = cofferdam.setting("How often", default=3)
    fast: bool = cofferdam.setting("Whether", default=False)
    key: str = cofferdam.setting("Secret", default="", secret=True)


class Objects(cofferdam.StreamingStore):
    """Answers whatever the test tells it to."""

    answer = None

    def stat(self, path):
        return self.answer(path)

    def open(self, path, wanted):
        return self.answer(path)

    def put(self, path, content, condition):
        return self.answer(content)

    def list(self, prefix, options):
        return self.answer(prefix)

    def remove(self, path):
        self.answer(path)


class Handle:
    """A handle of the host that counts how often it was dropped."""

    def __init__(self):
        self.dropped = 0

    def __exit__(self, *_):
        self.dropped += 1


class Exports(unittest.TestCase):
    def setUp(self):
        log = mock.patch("cofferdam.system.log")
        self.log = log.start()
        self.addCleanup(log.stop)
        self.store = Objects(None)
        instance = _export._Instance()
        instance.stores["streaming_store"] = self.store
        self.exported = _export._adapter(instance, "streaming_store", "StreamingStore", Objects)()

    def told(self, function, *values):
        with self.assertRaises(Err) as caught:
            getattr(self.exported, function)(*values)
        self.assertIsInstance(caught.exception.value, wit.Error)
        return caught.exception.value

    def test_an_error_of_the_contract_stays_what_it_is(self):
        def fail(path):
            raise cofferdam.RateLimited("later", code="SlowDown", retry_after_ms=7)

        self.store.answer = fail
        self.assertEqual(self.told("stat", "/a"), wit.Error(wit.ErrorKind.RATE_LIMITED, "SlowDown", "later", 7))
        self.log.assert_not_called()

    def test_any_other_exception_is_internal_with_its_traceback(self):
        self.store.answer = lambda path: 1 // 0
        error = self.told("stat", "/a")
        self.assertEqual((error.kind, error.code), (wit.ErrorKind.INTERNAL, "ZeroDivisionError"))
        self.assertTrue(error.message.startswith("streaming-store.stat of Objects raised ZeroDivisionError"), error.message)
        self.assertIn("self.store.answer = lambda path: 1 // 0", error.message)
        self.assertNotIn("_export.py", error.message)
        self.log.assert_called_once()

    def test_an_exit_is_no_exit(self):
        def leave(path):
            raise SystemExit(3)

        self.store.answer = leave
        self.assertEqual(self.told("stat", "/a").code, "SystemExit")

    def test_a_wrong_answer_is_told_by_name(self):
        for answer, words in [
            (None, "the answer is None, not ObjectInfo"),
            ("x", "the answer is str 'x', not ObjectInfo"),
            (object_info("/a", -1, 1, "e"), "the answer.size is -1"),
            (object_info("/a", 1 << 64, 1, "e"), "the answer.size is 18446744073709551616"),
            (object_info("/a", True, 1, "e"), "the answer.size is bool True, not int"),
            (object_info("/a", 1, 1, 7), "the answer.etag is int 7, not str"),
            (object_info("/a", 1, 1, "\udc80"), "which is no Unicode text"),
        ]:
            self.store.answer = lambda path, answer=answer: answer
            error = self.told("stat", "/a")
            self.assertEqual(error.kind, wit.ErrorKind.INTERNAL)
            self.assertIn("streaming-store.stat of Objects", error.message)
            self.assertIn(words, error.message)

    def test_a_good_answer_passes(self):
        self.store.answer = lambda path: object_info(path, 5, None, "e")
        self.assertEqual(self.exported.stat("/a"), object_info("/a", 5, None, "e"))

    def test_paths_are_checked_first(self):
        self.store.answer = lambda path: self.fail("it was called")
        for path in ("", "/", "a", "/a/../b", "/a\0", "/a/", "/ä", "/" + "c" * 201):
            self.assertEqual(self.told("stat", path).kind, wit.ErrorKind.INVALID_PATH, path)

    def test_content_is_dropped_once_whatever_happens(self):
        def fail(content):
            raise NotFound("gone")

        for answer in (fail, lambda content: object_info("/a", 1, 1, "e"), lambda content: content):
            handle = Handle()
            self.store.answer = answer
            try:
                self.exported.put("/a", handle, wit.Condition_Unconditional())
            except Err:
                pass
            self.assertEqual(handle.dropped, 1)
        handle = Handle()
        self.told("put", "..", handle, wit.Condition_Unconditional())
        self.assertEqual(handle.dropped, 1)

    def test_opened_content_is_handed_on(self):
        handle = Handle()
        self.store.answer = lambda path: cofferdam.Opened(object_info(path, 1, 1, "e"), cofferdam.Content(handle))
        self.assertIs(self.exported.open("/a", wit.ByteRange_Whole()).content, handle)
        self.assertEqual(handle.dropped, 0)
        self.store.answer = lambda path: cofferdam.Opened(None, cofferdam.Content(handle))
        self.told("open", "/a", wit.ByteRange_Whole())
        self.assertEqual(handle.dropped, 1)

    def test_removals_answer_one_by_one(self):
        def remove(path):
            if path == "/bad":
                raise cofferdam.PermissionDenied("no")

        self.store.answer = remove
        answers = self.exported.remove(["/a", "..", "/bad", "/b"])
        self.assertEqual([answers[0], answers[3]], [Ok(None), Ok(None)])
        self.assertEqual([answer.value.kind for answer in answers[1:3]], [wit.ErrorKind.INVALID_PATH, wit.ErrorKind.PERMISSION_DENIED])
        self.store.answer = lambda path: 1 // 0
        self.assertEqual([answer.value.code for answer in self.exported.remove(["/a", "/b"])], ["ZeroDivisionError"] * 2)

    def test_missing_methods_and_interfaces_are_named(self):
        class Half(cofferdam.StreamingStore):
            def stat(self, path):
                return None

        class Driver(cofferdam.Driver):
            name, version, Settings = "d", "1", Settings

            def configure(self):
                return Claims()

            def health(self):
                return None

        world = SimpleNamespace(StreamingStore=object)
        with mock.patch("wit_world.exports", world):
            with self.assertRaisesRegex(TypeError, "Half does not implement streaming-store.list, streaming-store.open"):
                _export._check_classes(Driver, {"streaming_store": Half})
            with self.assertRaisesRegex(TypeError, "the world exports `streaming-store`"):
                _export._check_classes(Driver, {})
            with self.assertRaisesRegex(TypeError, "the world does not export `copying`"):
                _export._check_classes(Driver, {"streaming_store": Objects, "copying": Objects})


class Words(unittest.TestCase):
    def test_settings_are_read_by_their_types(self):
        read = settings.parse(Settings, [("bucket", "b"), ("tries", "-2"), ("fast", "true"), ("key", "s3cret")])
        self.assertEqual(read, Settings("b", -2, True, "s3cret"))
        self.assertNotIn("s3cret", repr(read))
        self.assertIn('"required": ["bucket"]', settings.schema_of(Settings))
        self.assertIn('"writeOnly": true', settings.schema_of(Settings))
        for pairs, name in [
            ([], "bucket"),
            ([("bucket", "b"), ("other", "x")], "other"),
            ([("bucket", "b"), ("tries", "1_0")], "tries"),
            ([("bucket", "b"), ("tries", "²")], "tries"),
            ([("bucket", "b"), ("fast", "True")], "fast"),
            ([("bucket", "b"), ("bucket", "b")], "bucket"),
        ]:
            with self.assertRaisesRegex(InvalidArgument, f"`{name}`"):
                settings.parse(Settings, pairs)

    def test_claims_leave_out_what_is_as_usual(self):
        self.assertEqual(Claims().attributes(), [])
        self.assertEqual(Claims(shared=True, writable=False, put_max=5).attributes(), [("put-max", "5"), ("writable", "false"), ("shared", "true")])

    def test_pages_go_on_where_they_ended(self):
        page = PageBuilder("/p", ListOptions(False, None, None, 1))
        self.assertTrue(page.add(cofferdam.prefix_info("/p/x")))
        self.assertFalse(page.add(cofferdam.prefix_info("/p/z")))
        following = page.page().next
        self.assertEqual(PageBuilder("/p", ListOptions(False, None, following, 1)).after, "x/")
        for cursor in ("", "x", ">/q/x", ">/p/", ">/p/../x", ">/p/a//b"):
            with self.assertRaises(InvalidArgument, msg=cursor):
                PageBuilder("/p", ListOptions(False, None, cursor, 1))
        for start, after in [("/p/x/y", "x/y"), ("/o/x", ""), ("/p", ""), ("/p0", None)]:
            self.assertEqual(PageBuilder("/p", ListOptions(False, start, None, 1)).after, after)

    def test_ranges_are_clamped(self):
        for wanted, bytes_of in [
            (cofferdam.Whole(), (0, 10)),
            (cofferdam.StartingAt(12), (10, 0)),
            (cofferdam.Bounded(cofferdam.Span(8, 5)), (8, 2)),
            (cofferdam.Last(3), (7, 3)),
            (cofferdam.Last(30), (0, 10)),
        ]:
            self.assertEqual(cofferdam.resolve_range(wanted, 10), bytes_of)

    def test_keys_have_the_rules_of_paths(self):
        paths.check_key("a/b")
        for key in ("", "/a", "a/", "a//b", "..", "a\n"):
            with self.assertRaises(InvalidPath, msg=key):
                paths.check_key(key)

    def test_lists_are_checked_inside(self):
        with self.assertRaisesRegex(_check.WrongType, r"the answer.entries\[1\] is int 3, not ObjectInfo"):
            _check.converted(wit.Page([object_info("/a", 1, 1, "e"), 3], None), wit.Page, "the answer")


if __name__ == "__main__":
    unittest.main()
