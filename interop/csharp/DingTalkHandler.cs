using System;
using System.Collections.Generic;
using System.Linq;
using System.Net.Http;
using System.Net.Http.Headers;
using System.Threading;
using System.Threading.Tasks;
using DingTalk;
using Newtonsoft.Json;

/// <summary>A row of codes.json, or what stands in for one.</summary>
public sealed class Code
{
    [JsonProperty("code")] public string Name = "";
    public string[] Aliases = { }, Operations = { "" };
    public string Kind = "", Token = "keep";
    public bool Retry;
    public int WaitSeconds;
}

/// <summary>Gives the requests of a generated client the token, one for all, and repeats them where the contract allows it.</summary>
public sealed class DingTalkHandler : DelegatingHandler
{
    private const int Attempts = 3;
    private const string Header = "x-acs-dingtalk-access-token";
    private const int Limit = 10; // seconds for one request
    private const double MaxWait = 60; // seconds; whoever is to wait longer gives up
    private const double Early = 600; // seconds before a token's end, or a fifth of its time
    private const double Pause = 30; // seconds until a renewal that failed is tried again

    /// <summary>What an app calls: the end of the path, the name, and whether a repeat does no harm; x-repeat in the contract.</summary>
    private static readonly (string Path, string Name, bool Safe)[] Operations =
    {
        ("/oauth2/accessToken", "getAccessToken", true),
        ("/convertToOpenConversationId", "chatIdToOpenConversationId", true),
        ("/groupMessages/send", "orgGroupSend", false),
        ("", "", false), // any other
    };

    private readonly Dictionary<string, Code> codes = new Dictionary<string, Code>(StringComparer.OrdinalIgnoreCase);
    private readonly DingTalkClient client;
    private readonly GetAccessTokenRequest credentials;
    private readonly Random chance = new Random();
    private Task<string> fetching = Task.FromResult("");
    private string token;
    private DateTime renewAt, expires;

    private DingTalkHandler(string url, string appKey, string appSecret, IEnumerable<Code> rows, HttpMessageHandler inner) : base(inner)
    {
        client = new DingTalkClient(new HttpClient(this) { Timeout = Timeout.InfiniteTimeSpan }) { BaseUrl = url };
        credentials = new GetAccessTokenRequest { AppKey = appKey, AppSecret = appSecret };
        foreach (var row in rows)
            foreach (var operation in row.Operations)
                foreach (var name in row.Aliases.Append(row.Name))
                    codes[operation + " " + name] = row;
    }

    /// <summary>A generated client with this handler. rows are those of codes.json; inner may trust an authority of one's own.</summary>
    public static DingTalkClient Client(string url, string appKey, string appSecret, IEnumerable<Code> rows, HttpClientHandler inner)
    {
        var to = new Uri(url);
        if (to.Scheme != "https" && !(to.Scheme == "http" && to.IsLoopback)) throw new ArgumentException(url + " is not https");
        inner.AllowAutoRedirect = false; // the token would go along
        return new DingTalkHandler(url, appKey, appSecret, rows, inner).client;
    }

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken stop)
    {
        var (_, operation, safe) = Operations.First(o => request.RequestUri.AbsolutePath.EndsWith(o.Path));
        string rejected = null;
        HttpResponseMessage answer = null;
        for (var attempt = 1; ; attempt++)
        {
            var sent = operation == "getAccessToken" ? "" : await CurrentToken(); // whose failure is the call's
            if (sent == rejected) return answer;
            TimeSpan? wait = null;
            try
            {
                answer = await Send(request, sent, stop);
                if (answer.IsSuccessStatusCode) return answer;
                var row = RowOf(operation, (int)answer.StatusCode, await answer.Content.ReadAsStringAsync());
                if (sent != "" && rejected == null && (row.Token == "drop" || row.Token == "fetch"))
                {
                    rejected = sent;
                    lock (codes) if (token == sent) expires = DateTime.MinValue;
                    attempt--;
                    continue;
                }
                wait = WaitFor(row, attempt, safe, answer.Headers.RetryAfter);
                if (wait == null) return answer;
            }
            catch (Exception) when ((wait = WaitFor(new Code { Retry = true }, attempt, safe, null)) != null) { } // no answer
            await Task.Delay(wait.Value, stop);
        }
    }

    /// <summary>What to do by the code: the operation's own row, the common one, or one that the status makes.</summary>
    private Code RowOf(string operation, int status, string body)
    {
        string code = null;
        try { code = JsonConvert.DeserializeObject<ApiError>(body)?.Code; } // some answers spell Code, Message: both are read
        catch (JsonException) { } // such as HTML: the status says what to do
        if (codes.TryGetValue(operation + " " + code, out var row) || codes.TryGetValue(" " + code, out row)) return row;
        return new Code { Kind = status == 429 ? "throttled" : "", Retry = status == 429 || status >= 500, Token = status == 401 ? "drop" : "keep" };
    }

    /// <summary>How long to wait before a repeat; null: give up.</summary>
    private TimeSpan? WaitFor(Code row, int attempt, bool safe, RetryConditionHeaderValue after)
    {
        var asked = after?.Delta ?? after?.Date - DateTimeOffset.UtcNow ?? TimeSpan.Zero;
        var seconds = Math.Max(row.WaitSeconds, asked.TotalSeconds);
        if (!row.Retry || !safe && row.Kind != "throttled" || seconds > MaxWait || attempt == Attempts) return null;
        lock (chance) return TimeSpan.FromSeconds(seconds + chance.NextDouble() * 0.3 * (1 << attempt - 1));
    }

    private async Task<HttpResponseMessage> Send(HttpRequestMessage request, string sent, CancellationToken stop)
    {
        request.Headers.Remove(Header);
        if (sent != "") request.Headers.Add(Header, sent);
        using (var limit = CancellationTokenSource.CreateLinkedTokenSource(stop))
        {
            limit.CancelAfter(1000 * Limit);
            var answer = await base.SendAsync(request, limit.Token);
            await answer.Content.LoadIntoBufferAsync();
            return answer;
        }
    }

    /// <summary>Whoever comes while one fetches waits for that. Nobody waits for a renewal: the old token serves until its end.</summary>
    private Task<string> CurrentToken()
    {
        lock (codes)
        {
            var now = DateTime.UtcNow;
            if (now < renewAt && now < expires) return Task.FromResult(token);
            if (fetching.IsCompleted)
            {
                renewAt = now.AddSeconds(Pause); // before Fetch, which sets it if the answer is there at once
                fetching = Fetch();
            }
            return now < expires ? Task.FromResult(token) : fetching;
        }
    }

    private async Task<string> Fetch()
    {
        var answer = await client.GetAccessTokenAsync(credentials);
        lock (codes)
        {
            expires = DateTime.UtcNow.AddSeconds(answer.ExpireIn);
            renewAt = expires.AddSeconds(-Math.Min(Early, answer.ExpireIn / 5.0));
            return token = answer.AccessToken;
        }
    }
}
