// Package export_cofferdam_storage_atomic_store is what the bindings call for the interface atomic-store.
package export_cofferdam_storage_atomic_store

import (
	"cofferdam/bindings/cofferdam_storage_atomic_store"
	types "cofferdam/bindings/cofferdam_storage_store_types"

	cofferdam "github.com/cofferdam/cofferdam/guest-sdk/go"
	wit "github.com/cofferdam/cofferdam/guest-sdk/go/wit/types"
)

func init() {
	cofferdam.Require(func(s *cofferdam.Stores) string {
		if s.Values == nil {
			return "atomic-store (get, put, remove, list, count), but Values"
		}
		return ""
	})
}

// Get answers a value.
func Get(key string) wit.Result[cofferdam_storage_atomic_store.Value, types.Error] {
	value, err := cofferdam.Value{}, cofferdam.CheckKey(key)
	if err == nil {
		value, err = cofferdam.Current().Values.Get(key)
	}
	return cofferdam.Answer("atomic-store.get", cofferdam_storage_atomic_store.Value{Data: value.Data, Etag: value.ETag}, err)
}

// Put writes a value.
func Put(key string, data []byte, condition types.Condition) wit.Result[string, types.Error] {
	etag, err := "", cofferdam.CheckKey(key)
	if err == nil && len(data) > cofferdam.ValueMax {
		err = cofferdam.New(cofferdam.InvalidArgument, "the value is over 1 MiB")
	}
	if err == nil {
		etag, err = cofferdam.Current().Values.Put(key, data, cofferdam.ConditionFromWIT(condition))
	}
	return cofferdam.Answer("atomic-store.put", etag, err)
}

// Remove removes a value.
func Remove(key string, condition types.Condition) wit.Result[wit.Unit, types.Error] {
	err := cofferdam.CheckKey(key)
	if err == nil && condition.Tag() == types.ConditionIfAbsent {
		err = cofferdam.New(cofferdam.InvalidArgument, "what is absent cannot be removed")
	}
	if err == nil {
		err = cofferdam.Current().Values.Remove(key, cofferdam.ConditionFromWIT(condition))
	}
	return cofferdam.Answer("atomic-store.remove", wit.Unit{}, err)
}

// List answers keys.
func List(prefix string, after wit.Option[string], limit uint32) wit.Result[cofferdam_storage_atomic_store.Keys, types.Error] {
	keys, err := cofferdam.Current().Values.List(prefix, after.SomeOr(""), int(limit&(1<<31-1)))
	return cofferdam.Answer("atomic-store.list", cofferdam_storage_atomic_store.Keys{Keys: keys.Keys, More: keys.More}, err)
}

// Count counts keys.
func Count(prefix string) wit.Result[uint64, types.Error] {
	total, err := cofferdam.Current().Values.Count(prefix)
	return cofferdam.Answer("atomic-store.count", total, err)
}
