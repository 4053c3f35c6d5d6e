package dingtalkredis

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

var (
	errForm    = errors.New("its form is redis://HOST:6379/0, rediss:// with TLS, redis+cluster://HOST1:6379,HOST2:6379, redis+sentinel://HOST1:26379,HOST2:26379/0?master_name=NAME or unix:///PATH")
	errEncoded = errors.New("in user and password, what is none of A-Z a-z 0-9 - . _ ~ must be percent-encoded: / is %2F, # is %23, ? is %3F, @ is %40, : is %3A, % is %25")
)

// place is a parsed URL.
type place struct {
	kind  string // "", cluster, sentinel or unix
	tls   bool
	user  *url.Userinfo
	hosts []string // with ports
	path  string   // of a Unix socket
	db    string
	query url.Values
}

// rest returns the URL in the Redis client's form, with further hosts in the query.
func (p place) rest(further string) string {
	u := url.URL{Scheme: "redis", User: p.user, RawQuery: p.query.Encode()}
	if p.kind == "unix" {
		u.Scheme, u.Path = "unix", p.path
		return u.String()
	}
	if p.tls {
		u.Scheme = "rediss"
	}
	u.Host = p.hosts[0]
	if p.db != "" {
		u.Path = "/" + p.db
	}
	if further != "" {
		query := p.query
		query[further] = p.hosts[1:]
		u.RawQuery = query.Encode()
	}
	return u.String()
}

var schemes = map[string]place{
	"redis": {}, "rediss": {tls: true}, "unix": {kind: "unix"},
	"redis+cluster": {kind: "cluster"}, "rediss+cluster": {kind: "cluster", tls: true},
	"redis+sentinel": {kind: "sentinel"}, "rediss+sentinel": {kind: "sentinel", tls: true},
}

func parsePlace(rawURL string) (place, error) {
	scheme, after, found := strings.Cut(rawURL, "://")
	p, known := schemes[strings.ToLower(scheme)]
	if !found || !known {
		return p, errForm
	}
	// With / # or ? in a password, net/url ends the host there, and another host would be dialled.
	if at := strings.LastIndexByte(after, '@'); at >= 0 && strings.ContainsAny(after[:at], "/#?") || strings.ContainsRune(after, '#') {
		return p, errEncoded
	}
	authority, tail := after, ""
	if end := strings.IndexAny(after, "/?"); end >= 0 {
		authority, tail = after[:end], after[end:]
	}
	userinfo, hosts := "", authority
	if at := strings.LastIndexByte(authority, '@'); at >= 0 {
		userinfo, hosts = authority[:at+1], authority[at+1:]
	}
	// net/url cannot parse a list of hosts, so a placeholder replaces it.
	u, err := url.Parse("redis://" + userinfo + "host" + tail)
	if err != nil {
		if userinfo == "" {
			return p, errForm
		}
		return p, errEncoded
	}
	if p.user = u.User; p.user != nil {
		if password, given := p.user.Password(); !given || password == "" {
			return p, errors.New("it has a user without a password: write USER:PASSWORD@, or :PASSWORD@ for the default user")
		}
	}
	if p.query, err = url.ParseQuery(u.RawQuery); err != nil {
		return p, errForm
	}
	for name, values := range p.query {
		if len(values) > 1 {
			return p, fmt.Errorf("its option %s is given twice", printable(name))
		}
	}
	if p.kind == "unix" {
		if hosts != "" || strings.Trim(u.Path, "/") == "" {
			return p, errors.New("the path of a Unix socket is absolute: unix:///run/redis.sock?db=0")
		}
		p.path = u.Path
		return p, nil
	}
	if err := p.variant(); err != nil {
		return p, err
	}
	if err := p.addresses(hosts); err != nil {
		return p, err
	}
	return p, p.database(u.Path)
}

// variant applies the query's settings of the kind.
func (p *place) variant() error {
	if text := p.query.Get("cluster"); p.query.Has("cluster") {
		on, err := strconv.ParseBool(text)
		if err != nil || !on && p.kind == "cluster" || on && p.kind == "sentinel" {
			return errors.New("its option cluster is true for a cluster, or left out")
		}
		if on {
			p.kind = "cluster"
		}
		p.query.Del("cluster")
	}
	if p.query.Has("master_name") {
		if p.kind == "cluster" {
			return errors.New("it has a master_name, which is for Sentinels, and is a cluster's")
		}
		p.kind = "sentinel"
	}
	switch {
	case p.kind == "sentinel" && p.query.Get("master_name") == "":
		return errors.New("the Sentinels need ?master_name=NAME, by which they watch the servers")
	case p.query.Has("username") || p.query.Has("password"):
		return errors.New("user and password stand before the host: USER:PASSWORD@HOST; those of Sentinels are sentinel_username and sentinel_password")
	case p.query.Has("addr"):
		return errors.New("further hosts stand after the first, with commas: HOST1:6379,HOST2:6379")
	case p.query.Has("skip_verify"):
		return errors.New("certificates are always verified: name the authority's with ca_file=FILE instead of skip_verify")
	}
	return nil
}

func (p *place) addresses(list string) error {
	names := strings.Split(list, ",")
	if len(names) > 1 && p.kind == "" {
		return errors.New("it lists hosts: write redis+cluster://HOST1:6379,HOST2:6379 for a cluster, or redis+sentinel://HOST1:26379,HOST2:26379/0?master_name=NAME")
	}
	usual := "6379"
	if p.kind == "sentinel" {
		usual = "26379"
	}
	for _, name := range names {
		u, err := url.Parse("redis://" + name)
		if err != nil || u.Host != name || u.Hostname() == "" || strings.ContainsAny(u.Hostname(), "*+%") || strings.HasSuffix(name, ":") {
			return errors.New("a host is not HOST, HOST:PORT or [IPV6]:PORT")
		}
		port := u.Port()
		if port == "" {
			port = usual
		}
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			return errors.New("a port is not between 1 and 65535")
		}
		p.hosts = append(p.hosts, net.JoinHostPort(u.Hostname(), port))
	}
	return nil
}

func (p *place) database(path string) error {
	p.db = strings.Trim(path, "/")
	if p.db != "" && p.query.Has("db") {
		return errors.New("it names a database twice: as /N and as db=N")
	}
	if p.kind == "cluster" && p.query.Has("db") {
		p.db = p.query.Get("db")
		p.query.Del("db")
	}
	if strings.Contains(p.db, "/") {
		return errors.New("its path is no database: HOST:6379/0; a Unix socket is unix:///PATH")
	}
	if n, err := strconv.Atoi(p.db); p.db != "" && (err != nil || n < 0) {
		return errors.New("its path is no number of a database: HOST:6379/0")
	} else if n != 0 && p.kind == "cluster" {
		return errors.New("a cluster has database 0 only")
	}
	if p.kind == "cluster" {
		p.db = ""
	}
	return nil
}

var plainName = regexp.MustCompile(`^[A-Za-z_]{1,40}$`)

func printable(name string) string {
	if plainName.MatchString(name) {
		return name
	}
	return "(not shown)"
}
