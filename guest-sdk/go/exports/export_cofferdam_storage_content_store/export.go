// Package export_cofferdam_storage_content_store is what the bindings call for the interface content-store.
package export_cofferdam_storage_content_store

import (
	"cofferdam/bindings/cofferdam_storage_data"
	types "cofferdam/bindings/cofferdam_storage_store_types"

	cofferdam "github.com/cofferdam/cofferdam/guest-sdk/go"
	wit "github.com/cofferdam/cofferdam/guest-sdk/go/wit/types"
)

func init() {
	cofferdam.Require(func(s *cofferdam.Stores) string {
		if s.Contents == nil {
			return "content-store (store), but Contents"
		}
		return ""
	})
}

// Store stores an object under its digest.
func Store(content *cofferdam_storage_data.Content, algorithm string) wit.Result[string, types.Error] {
	defer content.Drop()
	path, err := cofferdam.Current().Contents.Store(cofferdam.ContentFromHandle(content), algorithm)
	return cofferdam.Answer("content-store.store", path, err)
}
