// How a driver is registered, and what the host is told of it.

package cofferdam

import "strings"

// Driver is what the host runs.
type Driver struct {
	// Name matches ^[a-z][a-z0-9-]{0,62}$.
	Name string
	// Version is the driver's own, for people.
	Version string
	// Settings are what the driver can be configured with.
	Settings []Setting
	// Configure takes the settings, once per instance and without I/O. Errors: InvalidArgument, naming the setting.
	Configure func(Settings) (*Stores, error)
}

// Stores are what a configured driver does. Those that the world exports must be there.
type Stores struct {
	// Claims are what is true of the driver with these settings.
	Claims Claims
	// Health says whether the backend can be reached, by one cheap round trip. Absent, it always can.
	Health func() error

	Objects   StreamingStore
	Values    AtomicStore
	Uploads   Uploads
	Copying   Copying
	Renaming  Renaming
	Contents  ContentStore
	Presign   Presigning
	Generator Generator
}

// Setting describes one setting.
type Setting struct {
	Name string
	// Type is "string", "integer" or "boolean".
	Type string
	// Description is for people.
	Description string
	// Default is as it is written in JSON without quotes; empty with Required.
	Default string
	// Required settings have no default.
	Required bool
	// Secret settings are shown nowhere.
	Secret bool
}

// Settings are the values that the host has checked against the schema: numbers in decimal, booleans as true and false.
type Settings map[string]string

// Claims are what is true of a driver; see the table in lifecycle.wit. What is claimed must work, what is not must be refused.
type Claims map[string]string

// Claim makes claims that are all true: Claim("shared", "put-if-absent").
func Claim(names ...string) Claims {
	claims := Claims{}
	for _, name := range names {
		claims[name] = "true"
	}
	return claims
}

var (
	registered *Driver
	current    *Stores
	required   []func(*Stores) string
)

// Register says what the driver is. It is called once, in an init function.
func Register(driver *Driver) {
	if registered != nil {
		panic("cofferdam.Register was called twice")
	}
	if driver.Configure == nil {
		panic("cofferdam.Driver.Configure is not set")
	}
	registered = driver
}

// Registered is the driver. Package exports uses it.
func Registered() *Driver {
	if registered == nil {
		panic("no driver is registered: call cofferdam.Register in an init function of package main")
	}
	return registered
}

// Require adds a check of what Configure answers: the name of what is missing, or nothing. Packages of exports use it.
func Require(check func(*Stores) string) { required = append(required, check) }

// Start configures the driver. Package exports uses it.
func Start(settings Settings) (Claims, error) {
	stores, err := Registered().Configure(settings)
	if err != nil {
		return nil, err
	}
	if stores == nil {
		return nil, New(Internal, "lifecycle.configure: the driver answered neither stores nor an error")
	}
	for _, check := range required {
		if missing := check(stores); missing != "" {
			return nil, New(Internal, "lifecycle.configure: the world exports "+missing+" answered by Configure is nil")
		}
	}
	current = stores
	return stores.Claims, nil
}

// Current is what the driver does. Package exports uses it; the host configures before it calls anything else.
func Current() *Stores {
	if current == nil {
		panic("the host called the driver before lifecycle.configure")
	}
	return current
}

// Schema is the JSON Schema of the settings.
func Schema(settings []Setting) string {
	var properties, needed []string
	for _, s := range settings {
		text := quote(s.Name) + `:{"type":` + quote(s.Type) + `,"description":` + quote(s.Description)
		switch {
		case s.Required:
			needed = append(needed, quote(s.Name))
		case s.Type == "string":
			text += `,"default":` + quote(s.Default)
		case s.Default != "":
			text += `,"default":` + s.Default
		}
		if s.Secret {
			text += `,"writeOnly":true`
		}
		properties = append(properties, text+"}")
	}
	schema := `{"type":"object","properties":{` + strings.Join(properties, ",") + "}"
	if len(needed) > 0 {
		schema += `,"required":[` + strings.Join(needed, ",") + "]"
	}
	return schema + `,"additionalProperties":false}`
}

// quote writes a string as JSON.
func quote(text string) string {
	var out strings.Builder
	out.WriteByte('"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			out.WriteByte('\\')
			out.WriteRune(r)
		case r < ' ':
			const hex = "0123456789abcdef"
			out.WriteString(`\u00`)
			out.WriteByte(hex[r>>4])
			out.WriteByte(hex[r&15])
		default:
			out.WriteRune(r)
		}
	}
	out.WriteByte('"')
	return out.String()
}
