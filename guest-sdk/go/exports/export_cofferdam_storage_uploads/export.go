// Package export_cofferdam_storage_uploads is what the bindings call for the interface uploads.
package export_cofferdam_storage_uploads

import (
	"cofferdam/bindings/cofferdam_storage_data"
	types "cofferdam/bindings/cofferdam_storage_store_types"

	cofferdam "github.com/cofferdam/cofferdam/guest-sdk/go"
	wit "github.com/cofferdam/cofferdam/guest-sdk/go/wit/types"
)

func init() {
	cofferdam.Require(func(s *cofferdam.Stores) string {
		if s.Uploads == nil {
			return "uploads (create, write-part, complete, abort), but Uploads"
		}
		return ""
	})
}

// Create begins an upload.
func Create(path string) wit.Result[string, types.Error] {
	token, err := "", cofferdam.CheckPath(path)
	if err == nil {
		token, err = cofferdam.Current().Uploads.Create(path)
	}
	return cofferdam.Answer("uploads.create", token, err)
}

// WritePart writes a part.
func WritePart(token string, part types.Part, content *cofferdam_storage_data.Content) wit.Result[string, types.Error] {
	defer content.Drop()
	id, err := cofferdam.Current().Uploads.WritePart(token, part, cofferdam.ContentFromHandle(content))
	return cofferdam.Answer("uploads.write-part", id, err)
}

// Complete joins the parts.
func Complete(token string, parts []types.WrittenPart, destination string, condition types.Condition) wit.Result[types.ObjectInfo, types.Error] {
	info, err := cofferdam.ObjectInfo{}, cofferdam.CheckPath(destination)
	if err == nil {
		info, err = cofferdam.Current().Uploads.Complete(token, parts, destination, cofferdam.ConditionFromWIT(condition))
	}
	return cofferdam.Answer("uploads.complete", cofferdam.InfoToWIT(info), err)
}

// Abort gives up an upload.
func Abort(token string) wit.Result[wit.Unit, types.Error] {
	return cofferdam.Answer("uploads.abort", wit.Unit{}, cofferdam.Current().Uploads.Abort(token))
}
