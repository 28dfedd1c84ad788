package drover.host;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.ILoggerFactory;
import org.slf4j.IMarkerFactory;
import org.slf4j.Logger;
import org.slf4j.Marker;
import org.slf4j.event.Level;
import org.slf4j.helpers.BasicMDCAdapter;
import org.slf4j.helpers.BasicMarkerFactory;
import org.slf4j.helpers.LegacyAbstractLogger;
import org.slf4j.helpers.MessageFormatter;
import org.slf4j.spi.MDCAdapter;
import org.slf4j.spi.SLF4JServiceProvider;

/** Every line that anything in here logs by SLF4J, handed on as what it is: level, logger, message, trace. */
public final class HostLog extends LegacyAbstractLogger {
    public interface Listener {
        void line(Level level, String logger, String message, String trace);
    }

    private static final ConcurrentHashMap<String, Logger> LOGGERS = new ConcurrentHashMap<>();

    private static volatile Level threshold = Level.WARN;
    private static volatile Listener listener = (level, logger, message, trace) -> {};

    private HostLog(String name) {
        this.name = name;
    }

    /** Before anything logs. SLF4J is told where to look, or it would search every jar, and say that it was told. */
    public static void listen(Level from, Listener heard) {
        System.setProperty("slf4j.provider", Provider.class.getName());
        System.setProperty("slf4j.internal.verbosity", "WARN");
        threshold = from;
        listener = heard;
    }

    static String trace(Throwable error) {
        if (error == null) return null;
        StringWriter text = new StringWriter();
        error.printStackTrace(new PrintWriter(text));
        return text.toString();
    }

    private static boolean is(Level level) {
        return level.toInt() >= threshold.toInt();
    }

    @Override public boolean isTraceEnabled() { return is(Level.TRACE); }
    @Override public boolean isDebugEnabled() { return is(Level.DEBUG); }
    @Override public boolean isInfoEnabled() { return is(Level.INFO); }
    @Override public boolean isWarnEnabled() { return is(Level.WARN); }
    @Override public boolean isErrorEnabled() { return is(Level.ERROR); }

    @Override
    protected String getFullyQualifiedCallerName() {
        return null;
    }

    @Override
    protected void handleNormalizedLoggingCall(Level level, Marker marker, String format, Object[] arguments, Throwable error) {
        listener.line(level, name, MessageFormatter.basicArrayFormat(format, arguments), trace(error));
    }

    public static final class Provider implements SLF4JServiceProvider {
        private final IMarkerFactory markers = new BasicMarkerFactory();
        private final MDCAdapter context = new BasicMDCAdapter();

        @Override public void initialize() {}
        @Override public ILoggerFactory getLoggerFactory() { return name -> LOGGERS.computeIfAbsent(name, HostLog::new); }
        @Override public IMarkerFactory getMarkerFactory() { return markers; }
        @Override public MDCAdapter getMDCAdapter() { return context; }
        @Override public String getRequestedApiVersion() { return "2.0"; }
    }
}
