// Package export_cofferdam_storage_lifecycle is what the bindings call for the interface lifecycle.
package export_cofferdam_storage_lifecycle

import (
	"cofferdam/bindings/cofferdam_storage_lifecycle"
	types "cofferdam/bindings/cofferdam_storage_store_types"

	cofferdam "github.com/cofferdam/cofferdam/guest-sdk/go"
	wit "github.com/cofferdam/cofferdam/guest-sdk/go/wit/types"
)

type pair = wit.Tuple2[string, string]

// Describe answers what the driver is.
func Describe() cofferdam_storage_lifecycle.Description {
	d := cofferdam.Registered()
	return cofferdam_storage_lifecycle.Description{Name: d.Name, Version: d.Version, SettingsSchema: cofferdam.Schema(d.Settings)}
}

// Configure takes the settings and answers the claims.
func Configure(pairs []pair) wit.Result[[]pair, types.Error] {
	settings := make(cofferdam.Settings, len(pairs))
	for _, p := range pairs {
		settings[p.F0] = p.F1
	}
	claims, err := cofferdam.Start(settings)
	var told []pair
	for name, value := range claims {
		told = append(told, pair{F0: name, F1: value})
	}
	return cofferdam.Answer("lifecycle.configure", told, err)
}

// Health asks the backend.
func Health() wit.Result[wit.Unit, types.Error] {
	var err error
	if health := cofferdam.Current().Health; health != nil {
		err = health()
	}
	return cofferdam.Answer("lifecycle.health", wit.Unit{}, err)
}
