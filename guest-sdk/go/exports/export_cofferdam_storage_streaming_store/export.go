// Package export_cofferdam_storage_streaming_store is what the bindings call for the interface streaming-store.
package export_cofferdam_storage_streaming_store

import (
	"strconv"

	"cofferdam/bindings/cofferdam_storage_data"
	types "cofferdam/bindings/cofferdam_storage_store_types"

	cofferdam "github.com/cofferdam/cofferdam/guest-sdk/go"
	wit "github.com/cofferdam/cofferdam/guest-sdk/go/wit/types"
)

func init() {
	cofferdam.Require(func(s *cofferdam.Stores) string {
		if s.Objects == nil {
			return "streaming-store (stat, open, put, list, remove), but Objects"
		}
		return ""
	})
}

// Stat answers the metadata of an object.
func Stat(path string) wit.Result[types.ObjectInfo, types.Error] {
	info, err := cofferdam.ObjectInfo{}, cofferdam.CheckPath(path)
	if err == nil {
		info, err = cofferdam.Current().Objects.Stat(path)
	}
	return cofferdam.Answer("streaming-store.stat", cofferdam.InfoToWIT(info), err)
}

// Open opens an object.
func Open(path string, bytes types.ByteRange) wit.Result[cofferdam_storage_data.Opened, types.Error] {
	opened, err := cofferdam.Opened{}, cofferdam.CheckPath(path)
	if err == nil {
		opened, err = cofferdam.Current().Objects.Open(path, bytes)
	}
	var told cofferdam_storage_data.Opened
	if err == nil && opened.Content == nil {
		err = cofferdam.New(cofferdam.Internal, "streaming-store.open: the driver answered neither content nor an error")
	} else if err == nil {
		told = cofferdam_storage_data.Opened{Info: cofferdam.InfoToWIT(opened.Info), Content: opened.Content.Handle()}
	}
	return cofferdam.Answer("streaming-store.open", told, err)
}

// Put writes an object.
func Put(path string, content *cofferdam_storage_data.Content, condition types.Condition) wit.Result[types.ObjectInfo, types.Error] {
	defer content.Drop()
	info, err := cofferdam.ObjectInfo{}, cofferdam.CheckPath(path)
	if err == nil {
		info, err = cofferdam.Current().Objects.Put(path, cofferdam.ContentFromHandle(content), cofferdam.ConditionFromWIT(condition))
	}
	return cofferdam.Answer("streaming-store.put", cofferdam.InfoToWIT(info), err)
}

// List answers a page.
func List(prefix string, o types.ListOptions) wit.Result[types.Page, types.Error] {
	page, err := cofferdam.Page{}, cofferdam.CheckPrefix(prefix)
	if err == nil {
		page, err = cofferdam.Current().Objects.List(prefix, cofferdam.ListOptions{
			Recursive: o.Recursive, StartAfter: o.StartAfter.SomeOr(""), Cursor: o.Cursor.SomeOr(""), HasCursor: o.Cursor.IsSome(), Limit: int(o.Limit & (1<<31 - 1)),
		})
	}
	told := types.Page{Next: wit.None[string](), Entries: make([]types.ObjectInfo, len(page.Entries))}
	for n, entry := range page.Entries {
		told.Entries[n] = cofferdam.InfoToWIT(entry)
	}
	if page.Next != "" {
		told.Next = wit.Some(page.Next)
	}
	return cofferdam.Answer("streaming-store.list", told, err)
}

// Remove removes objects.
func Remove(paths []string) []wit.Result[wit.Unit, types.Error] {
	store, told := cofferdam.Current().Objects, make([]wit.Result[wit.Unit, types.Error], len(paths))
	fill := func(n int, err error) { told[n] = cofferdam.Answer("streaming-store.remove", wit.Unit{}, err) }
	batch, many := store.(cofferdam.BatchRemover)
	var at []int
	var good []string
	for n, path := range paths {
		if err := cofferdam.CheckPath(path); err != nil {
			fill(n, err)
		} else if many {
			at, good = append(at, n), append(good, path)
		} else {
			fill(n, store.Remove(path))
		}
	}
	if many && len(good) > 0 {
		answers := batch.RemoveAll(good)
		if len(answers) != len(good) {
			panic("streaming-store.remove: RemoveAll answered " + strconv.Itoa(len(answers)) + " errors for " + strconv.Itoa(len(good)) + " paths")
		}
		for n, err := range answers {
			fill(at[n], err)
		}
	}
	return told
}
