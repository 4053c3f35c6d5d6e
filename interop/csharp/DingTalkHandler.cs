using System;
using System.Collections.Generic;
using System.Linq;
using System.Net.Http;
using System.Runtime.ExceptionServices;
using System.Security.Cryptography.X509Certificates;
using System.Threading;
using System.Threading.Tasks;
using DingTalk;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

/// <summary>A row of codes.json.</summary>
public sealed class Code
{
    [JsonProperty("code")] public string Name;
    public string[] Aliases = new string[0];
    public string Kind, Token;
    public bool Retry;
    public int WaitSeconds;
}

/// <summary>Gives the requests of a generated client the token, one for all, and repeats them where the contract allows it.</summary>
public sealed class DingTalkHandler : DelegatingHandler
{
    private const int Attempts = 3;
    private const double Renew = 600; // seconds before a token's end, or a fifth of its time
    private const string Header = "x-acs-dingtalk-access-token";
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);
    private static readonly Random Chance = new Random();

    private readonly Dictionary<string, Code> codes = new Dictionary<string, Code>(StringComparer.OrdinalIgnoreCase);
    private readonly DingTalkClient tokens;
    private readonly GetAccessTokenRequest credentials;
    private readonly SemaphoreSlim one = new SemaphoreSlim(1);
    private string token;
    private DateTime renewAt;

    private DingTalkHandler(string url, string appKey, string appSecret, IEnumerable<Code> rows, HttpMessageHandler inner) : base(inner)
    {
        tokens = new DingTalkClient(new HttpClient(inner) { Timeout = Limit }) { BaseUrl = url };
        credentials = new GetAccessTokenRequest { AppKey = appKey, AppSecret = appSecret };
        foreach (var row in rows)
            foreach (var name in row.Aliases.Concat(new[] { row.Name }))
                codes[name] = row;
    }

    /// <summary>A generated client with this handler. rows are those of codes.json; ca is the one authority to trust, null the machine's.</summary>
    public static DingTalkClient Client(string url, string appKey, string appSecret, IEnumerable<Code> rows, X509Certificate2 ca = null)
    {
        var inner = new HttpClientHandler { AllowAutoRedirect = false }; // the token would go along
        if (ca != null) inner.ServerCertificateCustomValidationCallback = (request, certificate, chain, errors) => IsOf(ca, certificate, errors);
        var handler = new DingTalkHandler(url, appKey, appSecret, rows, inner);
        return new DingTalkClient(new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan }) { BaseUrl = url };
    }

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken stop)
    {
        string rejected = null;
        HttpResponseMessage answer = null;
        for (var attempt = 1; ; attempt++)
        {
            string sent = null, code = "";
            var status = 0;
            ExceptionDispatchInfo thrown = null;
            try
            {
                var current = await CurrentToken(stop);
                if (current == rejected) return answer;
                request.Headers.Remove(Header);
                request.Headers.Add(Header, sent = current);
                using (var limit = CancellationTokenSource.CreateLinkedTokenSource(stop))
                {
                    limit.CancelAfter(Limit);
                    answer = await base.SendAsync(request, limit.Token);
                    await answer.Content.LoadIntoBufferAsync();
                }
                if (answer.IsSuccessStatusCode) return answer;
                status = (int)answer.StatusCode;
                code = CodeOf(await answer.Content.ReadAsStringAsync());
            }
            catch (DingTalkException e) // of the token call
            {
                thrown = ExceptionDispatchInfo.Capture(e);
                status = e.StatusCode;
                code = CodeOf(e.Response);
            }
            catch (Exception e) when (!stop.IsCancellationRequested)
            {
                thrown = ExceptionDispatchInfo.Capture(e);
            }
            Code row;
            codes.TryGetValue(code, out row);
            if (sent != null && rejected == null && row != null && (row.Token == "drop" || row.Token == "fetch"))
            {
                rejected = sent;
                Interlocked.CompareExchange(ref token, null, sent);
                attempt--;
                continue;
            }
            var repeat = row != null ? row.Retry : status == 0 || status == 429 || status >= 500;
            var refused = status == 429 || row != null && row.Kind == "throttled";
            if (!repeat || attempt == Attempts || !(IsSafe(request) || refused || sent == null))
            {
                if (thrown != null) thrown.Throw();
                return answer;
            }
            double wait = row != null ? row.WaitSeconds : 0;
            lock (Chance) wait = Math.Max(wait, Chance.NextDouble() * 0.3 * (1 << attempt));
            await Task.Delay(TimeSpan.FromSeconds(wait), stop);
        }
    }

    /// <summary>Whether a repeat does no harm although the service may have processed the request: x-repeat in the contract.</summary>
    private static bool IsSafe(HttpRequestMessage request)
    {
        return request.Method == HttpMethod.Get || request.RequestUri.AbsolutePath.EndsWith("/convertToOpenConversationId");
    }

    private async Task<string> CurrentToken(CancellationToken stop)
    {
        await one.WaitAsync(stop); // whoever waits here finds the token that the first one fetched
        try
        {
            if (token != null && DateTime.UtcNow < renewAt) return token;
            var answer = await tokens.GetAccessTokenAsync(credentials, stop);
            renewAt = DateTime.UtcNow.AddSeconds(answer.ExpireIn - Math.Min(Renew, answer.ExpireIn / 5.0));
            return token = answer.AccessToken;
        }
        finally
        {
            one.Release();
        }
    }

    /// <summary>Some answers spell it Code; an answer that is no error of DingTalk's has none.</summary>
    private static string CodeOf(string body)
    {
        try
        {
            return (string)JObject.Parse(body ?? "").GetValue("code", StringComparison.OrdinalIgnoreCase) ?? "";
        }
        catch (JsonException)
        {
            return "";
        }
    }

    private static bool IsOf(X509Certificate2 ca, X509Certificate2 certificate, System.Net.Security.SslPolicyErrors errors)
    {
        var chain = new X509Chain { ChainPolicy = { RevocationMode = X509RevocationMode.NoCheck, VerificationFlags = X509VerificationFlags.AllowUnknownCertificateAuthority } };
        chain.ChainPolicy.ExtraStore.Add(ca);
        return (errors & ~System.Net.Security.SslPolicyErrors.RemoteCertificateChainErrors) == 0 && chain.Build(certificate)
            && chain.ChainElements[chain.ChainElements.Count - 1].Certificate.Thumbprint == ca.Thumbprint;
    }
}
