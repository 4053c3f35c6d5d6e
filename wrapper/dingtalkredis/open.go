package dingtalkredis

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// Open makes a Redis client from a URL, for [New]. It sends nothing. The caller closes the client.
//
//	redis://USER:PASSWORD@HOST:6379/0           a single server; user, password, port and database may be left out
//	redis+cluster://HOST1:6379,HOST2:6379       a cluster, or redis://…?cluster=true
//	redis+sentinel://HOST1:26379,HOST2:26379/0?master_name=NAME
//	                                            what Sentinels watch; user and password are the servers', and
//	                                            sentinel_username and sentinel_password the Sentinels' own
//	unix:///PATH?db=0                           a Unix socket
//
// With rediss instead of redis, the connection uses TLS. In the query, ca_file names a PEM file of the authorities to
// trust instead of the system's; cert_file and key_file name a client certificate. With protocol=2, the connection begins
// without HELLO and CLIENT SETINFO, which some proxies refuse. The query also takes the options of [redis.ParseURL],
// [redis.ParseClusterURL] and [redis.ParseFailoverURL], such as read_timeout=1s.
//
// In user and password, percent-encode every character except A-Z a-z 0-9 - . _ ~. Open refuses an ambiguous URL, and
// names the form that works. No error repeats the URL, which may hold a password.
func Open(rawURL string) (redis.UniversalClient, error) {
	options, err := parseURL(rawURL)
	if err != nil {
		return nil, fmt.Errorf("dingtalkredis: not a Redis URL that can be used: %w", err)
	}
	return connect(options, 0), nil
}

// opened is a client with the options that it was made with.
type opened struct {
	redis.UniversalClient
	options any
}

// optionsOf returns the options of a client: *redis.Options, *redis.ClusterOptions or *redis.FailoverOptions, or nil.
func optionsOf(client redis.UniversalClient) any {
	switch c := client.(type) {
	case opened:
		return c.options
	case *redis.ClusterClient:
		return c.Options()
	case *redis.Client:
		if c.Options().Addr == "FailoverClient" { // the Redis client's name for it
			return new(redis.FailoverOptions)
		}
		return c.Options()
	}
	return nil
}

// connect makes a client. Protocol 2 replaces that of the options, unless it is 0.
func connect(options any, protocol int) redis.UniversalClient {
	quiet := &maintnotifications.Config{Mode: maintnotifications.ModeDisabled} // one command less, which few servers know
	switch o := options.(type) {
	case *redis.Options:
		own := *o
		own.Protocol = cmp.Or(protocol, own.Protocol)
		own.DisableIdentity, own.MaintNotificationsConfig = own.DisableIdentity || own.Protocol == 2, quiet
		client := redis.NewClient(&own)
		if own.Protocol == 2 {
			client.AddHook(noHelloError{})
		}
		return opened{client, o}
	case *redis.ClusterOptions:
		own := *o
		own.Protocol = cmp.Or(protocol, own.Protocol)
		own.DisableIdentity, own.MaintNotificationsConfig = own.DisableIdentity || own.Protocol == 2, quiet
		return opened{redis.NewClusterClient(&own), o}
	case *redis.FailoverOptions:
		own := *o
		own.Protocol = cmp.Or(protocol, own.Protocol)
		own.DisableIdentity = own.DisableIdentity || own.Protocol == 2
		return opened{redis.NewFailoverClient(&own), o}
	}
	return nil
}

// noHelloError answers HELLO itself, as a server does that does not know it: the Redis client sends it in each protocol.
type noHelloError struct{}

func (noHelloError) Error() string { return "HELLO is not sent" }

// RedisError marks an answer of a server.
func (noHelloError) RedisError() {}

func (noHelloError) DialHook(next redis.DialHook) redis.DialHook { return next }

func (noHelloError) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (h noHelloError) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if cmd.Name() != "hello" {
			return next(ctx, cmd)
		}
		cmd.SetErr(h)
		return h
	}
}

var (
	errForm = errors.New("its form is redis://HOST:6379/0, rediss:// with TLS, redis+cluster://HOST1:6379,HOST2:6379, " +
		"redis+sentinel://HOST1:26379,HOST2:26379/0?master_name=NAME or unix:///PATH")
	errEncoded = errors.New("in user and password, what is none of A-Z a-z 0-9 - . _ ~ must be percent-encoded: " +
		"/ is %2F, # is %23, ? is %3F, @ is %40, : is %3A, % is %25")
)

var (
	schemes = regexp.MustCompile(`(?i)^(redis|rediss|unix)(\+cluster|\+sentinel)?://`)
	form    = regexp.MustCompile(schemes.String() + `(.*@)?([^@/?#]*)(/[^@?#]*)?(\?[^@#]*)?$`)
	digits  = regexp.MustCompile(`^\d{1,9}$`)
)

const userHint = "user and password stand before the host: USER:PASSWORD@HOST; those of Sentinels are sentinel_username and sentinel_password"

// misplaced are options of the Redis client's parsers that this package refuses.
var misplaced = map[string]string{
	"username":    userHint,
	"password":    userHint,
	"addr":        "further hosts stand after the first, with commas: HOST1:6379,HOST2:6379",
	"skip_verify": "certificates are always verified: name the authority's with ca_file=FILE instead of skip_verify",
}

// parseURL returns the options of a URL. It splits the list of hosts, and leaves the rest to the Redis client's parsers.
func parseURL(rawURL string) (any, error) {
	part := form.FindStringSubmatch(rawURL)
	switch {
	case part == nil && schemes.MatchString(rawURL) && strings.ContainsAny(rawURL, "#@"):
		return nil, errEncoded
	case part == nil:
		return nil, errForm
	case strings.ContainsAny(part[3], "/#?"): // net/url would end the host there, and another host would be dialled
		return nil, errEncoded
	}
	scheme, kind, hosts := strings.ToLower(part[1]), strings.TrimPrefix(strings.ToLower(part[2]), "+"), strings.Split(part[4], ",")
	query, err := url.ParseQuery(strings.TrimPrefix(part[6], "?"))
	if err != nil {
		return nil, errForm
	}
	for name, values := range query {
		if hint := misplaced[name]; hint != "" {
			return nil, errors.New(hint)
		} else if len(values) > 1 {
			return nil, fmt.Errorf("its option %s is given twice", printable(name))
		}
	}
	if query.Get("cluster") == "true" && kind == "" {
		kind = "cluster"
	} else if query.Has("master_name") && kind == "" {
		kind = "sentinel"
	}
	socket, path := scheme == "unix", strings.Trim(part[5], "/")
	database := cmp.Or(path, query.Get("db"), "0")
	cluster, certificate, key := query.Get("cluster"), query.Get("cert_file"), query.Get("key_file")
	for _, rule := range []struct {
		broken bool
		says   string
	}{
		{query.Has("cluster") && cluster != strconv.FormatBool(kind == "cluster"), "its option cluster is true for a cluster, or left out"},
		{socket && (part[4] != "" || path == "" || kind != ""), "the path of a Unix socket is absolute: unix:///run/redis.sock?db=0"},
		{!socket && path != "" && query.Has("db"), "it names a database twice: as /N and as db=N"},
		{!socket && !digits.MatchString(database), "its path is no number of a database: HOST:6379/0; a Unix socket is unix:///PATH"},
		{kind == "cluster" && database != "0", "a cluster has database 0 only"},
		{kind == "cluster" && query.Has("master_name"), "it has a master_name, which is for Sentinels, and is a cluster's"},
		{kind == "sentinel" && query.Get("master_name") == "", "the Sentinels need ?master_name=NAME, by which they watch the servers"},
		{kind == "" && len(hosts) > 1, "it lists hosts: write redis+cluster://HOST1:6379,HOST2:6379 for a cluster, or " +
			"redis+sentinel://HOST1:26379,HOST2:26379/0?master_name=NAME"},
		{scheme != "rediss" && query.Get("ca_file")+certificate+key != "", "ca_file, cert_file and key_file are for TLS: write rediss:// instead of redis://"},
		{(certificate == "") != (key == ""), "cert_file and key_file belong together"},
	} {
		if rule.broken {
			return nil, errors.New(rule.says)
		}
	}
	query.Del("cluster")
	for n := 0; n < len(hosts) && !socket; n++ {
		if hosts[n], err = address(hosts[n], map[bool]string{false: "6379", true: "26379"}[kind == "sentinel"]); err != nil {
			return nil, err
		}
	}
	u, err := url.Parse(scheme + "://" + part[3] + hosts[0] + part[5])
	if err != nil {
		return nil, errEncoded
	}
	if password, given := u.User.Password(); u.User != nil && (!given || password == "") {
		return nil, errors.New("it has a user without a password: write USER:PASSWORD@, or :PASSWORD@ for the default user")
	}
	var secured *tls.Config
	if scheme == "rediss" {
		if secured, err = certificates(query); err != nil {
			return nil, err
		}
	}
	query["addr"] = hosts[1:]
	return options(kind, u, query, secured)
}

// options lets the Redis client parse a URL.
func options(kind string, u *url.URL, query url.Values, secured *tls.Config) (any, error) {
	switch kind {
	case "cluster":
		query.Del("db")
		u.Path, u.RawQuery = "", query.Encode()
		o, err := redis.ParseClusterURL(u.String())
		if err != nil {
			return nil, refused(err)
		}
		o.TLSConfig = secured
		return o, nil
	case "sentinel": // the parser takes the servers' user and password for the Sentinels'
		username, password := query.Get("sentinel_username"), query.Get("sentinel_password")
		query.Del("sentinel_username")
		query.Del("sentinel_password")
		u.RawQuery = query.Encode()
		o, err := redis.ParseFailoverURL(u.String())
		if err != nil {
			return nil, refused(err)
		}
		o.Username, o.Password, o.SentinelUsername, o.SentinelPassword = o.SentinelUsername, o.SentinelPassword, username, password
		o.TLSConfig, o.DialerRetries = secured, 1 // otherwise a name unknown to the Sentinels would look like an outage
		return o, nil
	}
	u.RawQuery = query.Encode()
	o, err := redis.ParseURL(u.String())
	if err != nil {
		return nil, refused(err)
	}
	o.TLSConfig = secured
	return o, nil
}

// address adds the usual port to a host without one.
func address(text, usual string) (string, error) {
	u, err := url.Parse("redis://" + text)
	if err != nil || u.Host != text || u.Hostname() == "" || strings.ContainsAny(u.Hostname(), "*+%") || strings.HasSuffix(text, ":") {
		return "", errors.New("a host is not HOST, HOST:PORT or [IPV6]:PORT")
	}
	port := cmp.Or(u.Port(), usual)
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
		return "", errors.New("a port is not between 1 and 65535")
	}
	return net.JoinHostPort(u.Hostname(), port), nil
}

// certificates loads the files named in the query, and deletes their names there.
func certificates(query url.Values) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12} // the client verifies each host's name
	if authorities := query.Get("ca_file"); authorities != "" {
		content, err := os.ReadFile(authorities)
		if err != nil {
			return nil, fmt.Errorf("ca_file: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(content) {
			return nil, errors.New("ca_file: the file holds no PEM certificate")
		}
	}
	if certificate := query.Get("cert_file"); certificate != "" {
		pair, err := tls.LoadX509KeyPair(certificate, query.Get("key_file"))
		if err != nil {
			return nil, fmt.Errorf("cert_file and key_file: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	for _, name := range []string{"ca_file", "cert_file", "key_file"} {
		query.Del(name)
	}
	return config, nil
}

// refused is the Redis client's error for a URL, without text that may be part of a password.
func refused(err error) error {
	if _, list, found := strings.Cut(err.Error(), "unexpected option: "); found {
		names := strings.Split(list, ", ")
		for n := range names {
			names[n] = printable(names[n])
		}
		slices.Sort(names)
		return fmt.Errorf("unknown option %s", strings.Join(names, ", "))
	}
	return errors.New("the value of one of its options cannot be read")
}

var plainName = regexp.MustCompile(`^[A-Za-z_]{1,40}$`)

func printable(name string) string {
	if plainName.MatchString(name) {
		return name
	}
	return "(not shown)"
}
