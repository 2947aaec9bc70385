// Package export_cofferdam_storage_renaming is what the bindings call for the interface renaming.
package export_cofferdam_storage_renaming

import (
	types "cofferdam/bindings/cofferdam_storage_store_types"

	cofferdam "github.com/cofferdam/cofferdam/guest-sdk/go"
	wit "github.com/cofferdam/cofferdam/guest-sdk/go/wit/types"
)

func init() {
	cofferdam.Require(func(s *cofferdam.Stores) string {
		if s.Renaming == nil {
			return "renaming (rename), but Renaming"
		}
		return ""
	})
}

// Rename checks the paths and asks the driver.
func Rename(source, destination string, condition types.Condition) wit.Result[types.ObjectInfo, types.Error] {
	info, err := cofferdam.ObjectInfo{}, cofferdam.CheckPath(source)
	if err == nil {
		err = cofferdam.CheckPath(destination)
	}
	if err == nil {
		info, err = cofferdam.Current().Renaming.Rename(source, destination, cofferdam.ConditionFromWIT(condition))
	}
	return cofferdam.Answer("renaming.rename", cofferdam.InfoToWIT(info), err)
}
