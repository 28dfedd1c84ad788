package drover.host;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.ILoggerFactory;
import org.slf4j.Logger;
import org.slf4j.helpers.FormattingTuple;
import org.slf4j.helpers.MarkerIgnoringBase;
import org.slf4j.helpers.MessageFormatter;

/** Every line that anything in here logs by SLF4J, handed on as what it is: level, logger, message, trace. */
public final class HostLog extends MarkerIgnoringBase {
    public enum Level { TRACE, DEBUG, INFO, WARN, ERROR }

    public interface Listener {
        void line(Level level, String logger, String message, String trace);
    }

    private static final ConcurrentHashMap<String, Logger> LOGGERS = new ConcurrentHashMap<>();
    public static final ILoggerFactory FACTORY = name -> LOGGERS.computeIfAbsent(name, HostLog::new);

    private static volatile Level threshold = Level.WARN;
    private static volatile Listener listener = (level, logger, message, trace) -> {};

    private HostLog(String name) {
        this.name = name;
    }

    public static void listen(Level from, Listener heard) {
        threshold = from;
        listener = heard;
    }

    static String trace(Throwable error) {
        if (error == null) return null;
        StringWriter text = new StringWriter();
        error.printStackTrace(new PrintWriter(text));
        return text.toString();
    }

    private boolean is(Level level) {
        return level.compareTo(threshold) >= 0;
    }

    private void log(Level level, String message, Throwable error) {
        if (is(level)) listener.line(level, name, message, trace(error));
    }

    private void format(Level level, String format, Object... arguments) {
        if (!is(level)) return;
        FormattingTuple formatted = MessageFormatter.arrayFormat(format, arguments);
        listener.line(level, name, formatted.getMessage(), trace(formatted.getThrowable()));
    }

    @Override public boolean isTraceEnabled() { return is(Level.TRACE); }
    @Override public void trace(String message) { log(Level.TRACE, message, null); }
    @Override public void trace(String format, Object one) { format(Level.TRACE, format, one); }
    @Override public void trace(String format, Object one, Object two) { format(Level.TRACE, format, one, two); }
    @Override public void trace(String format, Object... all) { format(Level.TRACE, format, all); }
    @Override public void trace(String message, Throwable error) { log(Level.TRACE, message, error); }

    @Override public boolean isDebugEnabled() { return is(Level.DEBUG); }
    @Override public void debug(String message) { log(Level.DEBUG, message, null); }
    @Override public void debug(String format, Object one) { format(Level.DEBUG, format, one); }
    @Override public void debug(String format, Object one, Object two) { format(Level.DEBUG, format, one, two); }
    @Override public void debug(String format, Object... all) { format(Level.DEBUG, format, all); }
    @Override public void debug(String message, Throwable error) { log(Level.DEBUG, message, error); }

    @Override public boolean isInfoEnabled() { return is(Level.INFO); }
    @Override public void info(String message) { log(Level.INFO, message, null); }
    @Override public void info(String format, Object one) { format(Level.INFO, format, one); }
    @Override public void info(String format, Object one, Object two) { format(Level.INFO, format, one, two); }
    @Override public void info(String format, Object... all) { format(Level.INFO, format, all); }
    @Override public void info(String message, Throwable error) { log(Level.INFO, message, error); }

    @Override public boolean isWarnEnabled() { return is(Level.WARN); }
    @Override public void warn(String message) { log(Level.WARN, message, null); }
    @Override public void warn(String format, Object one) { format(Level.WARN, format, one); }
    @Override public void warn(String format, Object one, Object two) { format(Level.WARN, format, one, two); }
    @Override public void warn(String format, Object... all) { format(Level.WARN, format, all); }
    @Override public void warn(String message, Throwable error) { log(Level.WARN, message, error); }

    @Override public boolean isErrorEnabled() { return is(Level.ERROR); }
    @Override public void error(String message) { log(Level.ERROR, message, null); }
    @Override public void error(String format, Object one) { format(Level.ERROR, format, one); }
    @Override public void error(String format, Object one, Object two) { format(Level.ERROR, format, one, two); }
    @Override public void error(String format, Object... all) { format(Level.ERROR, format, all); }
    @Override public void error(String message, Throwable error) { log(Level.ERROR, message, error); }
}
