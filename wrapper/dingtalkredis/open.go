package dingtalkredis

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// Open makes a Redis client from a URL, for [New]. It sends nothing. The caller closes the client.
//
//	redis://USER:PASSWORD@HOST:6379/0           a single server; user, password, port and database may be left out
//	redis+cluster://HOST1:6379,HOST2:6379       a cluster
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
	client, err := open(rawURL)
	if err != nil {
		return nil, fmt.Errorf("dingtalkredis: not a Redis URL that can be used: %w", err)
	}
	return client, nil
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
		"redis+sentinel://HOST1:26379,HOST2:26379/0?master_name=NAME or unix:///PATH; in user and password, what is none of " +
		"A-Z a-z 0-9 - . _ ~ must be percent-encoded: / is %2F, # is %23, ? is %3F, @ is %40, : is %3A, % is %25")

	// form lets no character stand where net/url would end the host there, and another host would be dialled.
	form   = regexp.MustCompile(`^(?i:(redis|rediss|unix)(\+cluster|\+sentinel)?)://([^/?#]*@)?([^@/?#]*)(/[^@?#]*)?(?:\?([^@#]*))?$`)
	host   = regexp.MustCompile(`^(\[[0-9A-Fa-f:.]+\]|[^][\s:*+%]+)(:[1-9]\d{0,4})?$`)
	digits = regexp.MustCompile(`^\d{1,9}$`)
	names  = regexp.MustCompile(`^[A-Za-z_, ]+$`)
)

// open splits the list of hosts, and leaves the rest to the Redis client's parsers.
func open(rawURL string) (redis.UniversalClient, error) {
	part := form.FindStringSubmatch(rawURL)
	if part == nil {
		return nil, errForm
	}
	scheme, kind, hosts, path := strings.ToLower(part[1]), strings.ToLower(part[2]), strings.Split(part[4], ","), strings.Trim(part[5], "/")
	socket, usual := scheme == "unix", map[bool]string{false: ":6379", true: ":26379"}[kind == "+sentinel"]
	u, err := url.Parse(scheme + "://" + part[3] + "h" + part[5])
	query, garbled := url.ParseQuery(part[6])
	if err != nil || garbled != nil {
		return nil, errForm
	}
	twice, odd := slices.ContainsFunc(slices.Collect(maps.Values(query)), func(values []string) bool { return len(values) > 1 }), false
	for n, text := range hosts {
		found := host.FindStringSubmatch(text)
		if odd = odd || found == nil || len(found[2]) == 6 && found[2] > ":65535"; !odd && found[2] == "" {
			hosts[n] += usual
		}
	}
	password, given := u.User.Password()
	certificate, key := query.Get("cert_file"), query.Get("key_file")
	for _, rule := range []struct {
		broken bool
		says   string
	}{
		{query.Has("username") || query.Has("password") || query.Has("addr") || query.Has("skip_verify"), "user and password stand before the host: USER:PASSWORD@HOST; " +
			"further hosts stand after the first, with commas; the Sentinels' own are sentinel_username and sentinel_password; ca_file=FILE replaces skip_verify"},
		{twice, "one of its options is given twice"},
		{u.User != nil && (!given || password == ""), "it has a user without a password: write USER:PASSWORD@, or :PASSWORD@ for the default user"},
		{socket && (part[4] != "" || path == "" || kind != ""), "the path of a Unix socket is absolute: unix:///run/redis.sock?db=0"},
		{!socket && path != "" && query.Has("db"), "it names a database twice: as /N and as db=N"},
		{!socket && !digits.MatchString(cmp.Or(path, query.Get("db"), "0")), "its path is no number of a database: HOST:6379/0; a Unix socket is unix:///PATH"},
		{kind == "+cluster" && cmp.Or(path, query.Get("db"), "0") != "0", "a cluster has database 0 only"},
		{kind == "+sentinel" && query.Get("master_name") == "", "the Sentinels need ?master_name=NAME, by which they watch the servers"},
		{kind == "" && len(hosts) > 1, "it lists hosts: write redis+cluster://HOST1:6379,HOST2:6379 for a cluster, or " +
			"redis+sentinel://HOST1:26379,HOST2:26379/0?master_name=NAME"},
		{!socket && odd, "a host is not HOST, HOST:PORT or [IPV6]:PORT, with a port between 1 and 65535"},
		{scheme != "rediss" && query.Get("ca_file")+certificate+key != "", "ca_file, cert_file and key_file are for TLS: write rediss:// instead of redis://"},
		{(certificate == "") != (key == ""), "cert_file and key_file belong together"},
	} {
		if rule.broken {
			return nil, errors.New(rule.says)
		}
	}
	var secured *tls.Config
	if scheme == "rediss" {
		if secured, err = certificates(query); err != nil {
			return nil, err
		}
	}
	u.Host = ""
	if !socket {
		u.Host, query["addr"] = hosts[0], hosts[1:]
	}
	return connect(kind, u, query, secured)
}

// connect makes a client.
func connect(kind string, u *url.URL, query url.Values, secured *tls.Config) (redis.UniversalClient, error) {
	quiet := &maintnotifications.Config{Mode: maintnotifications.ModeDisabled} // one command less, which few servers know
	switch kind {
	case "+cluster":
		query.Del("db")
		u.RawQuery = query.Encode()
		o, err := redis.ParseClusterURL(u.String())
		if err != nil {
			return nil, unread(err)
		}
		o.TLSConfig, o.DisableIdentity, o.MaintNotificationsConfig = secured, o.DisableIdentity || o.Protocol == 2, quiet
		return opened{redis.NewClusterClient(o), o}, nil
	case "+sentinel": // the parser takes the servers' user and password for the Sentinels'
		username, password := query.Get("sentinel_username"), query.Get("sentinel_password")
		query.Del("sentinel_username")
		query.Del("sentinel_password")
		u.RawQuery = query.Encode()
		o, err := redis.ParseFailoverURL(u.String())
		if err != nil {
			return nil, unread(err)
		}
		o.Username, o.Password, o.SentinelUsername, o.SentinelPassword = o.SentinelUsername, o.SentinelPassword, username, password
		o.TLSConfig, o.DisableIdentity = secured, o.DisableIdentity || o.Protocol == 2
		o.DialerRetries = 1 // otherwise a name unknown to the Sentinels would look like an outage
		return opened{redis.NewFailoverClient(o), o}, nil
	}
	u.RawQuery = query.Encode()
	o, err := redis.ParseURL(u.String())
	if err != nil {
		return nil, unread(err)
	}
	o.TLSConfig, o.DisableIdentity, o.MaintNotificationsConfig = secured, o.DisableIdentity || o.Protocol == 2, quiet
	client := redis.NewClient(o)
	if o.Protocol == 2 {
		client.AddHook(noHelloError{})
	}
	return opened{client, o}, nil
}

// unread is the error of a parser, without text that may be part of a password.
func unread(err error) error {
	_, unknown, found := strings.Cut(err.Error(), "unexpected option: ")
	switch {
	case !found:
		return errors.New("the value of one of its options cannot be read")
	case !names.MatchString(unknown):
		unknown = "(not shown)"
	}
	return errors.New("unknown option " + unknown)
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
